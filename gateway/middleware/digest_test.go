package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

func digesting() *config.Middleware {
	return &config.Middleware{DigestAuth: &config.DigestAuth{HeaderField: "X-User", RemoveHeader: true, Users: []string{
		"ann:traefik:" + md5hex("ann:traefik:secret"), "bob:traefik:" + md5hex("bob:traefik:secret")}}}
}

// client is a user of digest authentication.
type client struct {
	http.Handler
	nonce string
}

func newClient(t *testing.T, h http.Handler) *client {
	t.Helper()
	w := do(h, httptest.NewRequest("GET", "/x?y=z", nil))
	challenge := w.Header().Get("Www-Authenticate")
	found := regexp.MustCompile(`nonce="([0-9a-f]+)"`).FindStringSubmatch(challenge)
	if w.Code != 401 || found == nil || !strings.Contains(challenge, `qop="auth"`) || strings.Contains(challenge, "stale") {
		t.Fatalf("got %d, challenge %q", w.Code, challenge)
	}
	return &client{h, found[1]}
}

// ask asks for /x?y=z as user, having signed uri.
func (c *client) ask(user, password, uri, count string) *httptest.ResponseRecorder {
	response := md5hex(strings.Join([]string{md5hex(user + ":traefik:" + password), c.nonce, count, "abc", "auth", md5hex("GET:" + uri)}, ":"))
	r := httptest.NewRequest("GET", "/x?y=z", nil)
	r.Header.Set("Authorization", fmt.Sprintf(
		`Digest username="%s", realm="traefik", nonce="%s", uri="%s", qop=auth, nc=%s, cnonce="abc", response="%s", algorithm=MD5`,
		user, c.nonce, uri, count, response))
	return do(c, r)
}

func stale(w *httptest.ResponseRecorder) bool {
	return strings.Contains(w.Header().Get("Www-Authenticate"), "stale=true")
}

func TestDigestAuth(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		user, password, uri string
		want                int
	}{
		"OK":                 {"ann", "secret", "/x?y=z", 200},
		"OK/WithoutQuery":    {"ann", "secret", "/x", 200},
		"OK/Whole":           {"ann", "secret", "http://example.com/x", 200},
		"ErrPassword":        {"ann", "wrong", "/x?y=z", 401},
		"ErrUser":            {"eve", "secret", "/x?y=z", 401},
		"ErrPath":            {"ann", "secret", "/other", 401},
		"ErrPrefix":          {"ann", "secret", "/", 401},
		"ErrOtherQuery":      {"ann", "secret", "/x?y=a", 401},
		"ErrOtherHost":       {"ann", "secret", "http://other.com/x", 401},
		"ErrNotAnyURI":       {"ann", "secret", "", 401},
		"ErrMalformedEscape": {"ann", "secret", "/%zz", 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, built(t, digesting(), middleware.Env{}))
			w := c.ask(tt.user, tt.password, tt.uri, "00000001")
			if w.Code != tt.want || stale(w) {
				t.Errorf("got %d %v, want %d", w.Code, w.Header(), tt.want)
			}
			if w.Code == 200 && !strings.HasPrefix(w.Body.String(), "X-User="+tt.user+"\nAuthorization=\n") {
				t.Errorf("the service saw %q", w.Body)
			}
		})
	}
}

// Each count of a nonce is good once, over all connections, and only upwards.
func TestDigestCounts(t *testing.T) {
	t.Parallel()
	h := built(t, digesting(), middleware.Env{})
	first, second := newClient(t, h), newClient(t, h)
	for i, step := range []struct {
		*client
		user, count string
		want        int
		stale       bool
	}{
		{first, "ann", "00000001", 200, false},
		{first, "ann", "00000001", 401, true},
		{first, "ann", "00000003", 200, false},
		{first, "ann", "00000002", 401, true},
		{first, "bob", "00000003", 401, true},
		{first, "bob", "00000004", 200, false},
		{second, "ann", "00000001", 200, false},
		{first, "ann", "0000000a", 200, false},
		{first, "ann", "x", 401, false},
		{first, "ann", "ffffffff0", 401, false},
		{first, "ann", "", 401, false},
	} {
		if w := step.ask(step.user, "secret", "/x?y=z", step.count); w.Code != step.want || stale(w) != step.stale {
			t.Errorf("step %d: got %d %v, want %d, stale %t", i, w.Code, w.Header(), step.want, step.stale)
		}
	}
	if w := first.ask("ann", "wrong", "/x?y=z", "0000000b"); w.Code != 401 || stale(w) {
		t.Errorf("wrong password: got %d %v", w.Code, w.Header())
	}
	if w := first.ask("ann", "secret", "/x?y=z", "0000000b"); w.Code != 200 {
		t.Errorf("a count that was used with a wrong password: got %d, want 200", w.Code)
	}
}

func TestDigestNonces(t *testing.T) {
	t.Parallel()
	t.Run("ErrOtherRun", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, built(t, digesting(), middleware.Env{}))
		c.Handler = built(t, digesting(), middleware.Env{})
		if w := c.ask("ann", "secret", "/x?y=z", "00000001"); w.Code != 401 || !stale(w) {
			t.Errorf("got %d %v, want a stale nonce", w.Code, w.Header())
		}
	})
	t.Run("ErrNoNonce", func(t *testing.T) {
		t.Parallel()
		c := &client{built(t, digesting(), middleware.Env{}), "ab"}
		if w := c.ask("ann", "secret", "/x?y=z", "00000001"); w.Code != 401 || stale(w) {
			t.Errorf("got %d %v, want 401", w.Code, w.Header())
		}
	})
	t.Run("ErrOld", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, built(t, digesting(), middleware.Env{}))
			if w := c.ask("ann", "secret", "/x?y=z", "00000001"); w.Code != 200 {
				t.Errorf("got %d, want 200", w.Code)
			}
			time.Sleep(6 * time.Minute)
			for _, count := range []string{"00000001", "00000002"} {
				if w := c.ask("ann", "secret", "/x?y=z", count); w.Code != 401 || !stale(w) {
					t.Errorf("%s: got %d %v, want a stale nonce", count, w.Code, w.Header())
				}
			}
		})
	})
}
