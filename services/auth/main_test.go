package auth

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"axion/services/clustertest"
	"axion/services/host"
	"axion/services/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	baseURL   = "https://auth.localhost:8443"
	dashboard = "https://axion.localhost:8443"
	password  = "development" // of the development user, in tests
)

// stack is the provider, running.
type stack struct {
	*Service
	base  string
	clock *hosttest.Clock
	stop  func() // at the latest when the test ends
}

func hostOptions(t *testing.T, cluster *clustertest.Broker, dir string) host.Options {
	t.Helper()
	o := hosttest.Options(t, cluster, dir)
	o.Issuer = baseURL
	return o
}

func start(t *testing.T, cluster *clustertest.Broker, dir string) *stack {
	t.Helper()
	return startWith(t, cluster, dir, Options{Password: password})
}

// startWith is start with options of the test's own, but for those that all tests
// have alike.
func startWith(t *testing.T, cluster *clustertest.Broker, dir string, o Options) *stack {
	t.Helper()
	c := hosttest.NewClock(time.Now())
	o.BaseURL, o.Now, o.Origins = baseURL, c.Now, []string{baseURL, dashboard}
	s, err := New(t.Context(), hostOptions(t, cluster, dir), o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	// The race detector makes hashing slow.
	s.api.hashing.cost, s.api.hashing.wait = bcrypt.MinCost, hosttest.Deadline
	running := hosttest.Start(t, s.Host, nil)
	return &stack{Service: s, base: running.URL, clock: c, stop: running.Stop}
}

// answer is an HTTP answer, read.
type answer struct {
	hosttest.Reply
	fields struct {
		Token, Message, Code, URL string
		Redirect                  bool
		User                      *User
		Session                   *Session
	}
}

// cookie is the session cookie that was set, nil where none was.
func (a answer) cookie() *http.Cookie {
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if strings.HasSuffix(c.Name, cookieName) {
			return c
		}
	}
	return nil
}

// send does one request under /api/auth, as [hosttest.Do] does.
func (s *stack) send(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	a := answer{Reply: hosttest.Do(t, method, s.base+basePath+path, body, header...)}
	if err := json.Unmarshal([]byte(a.Body), &a.fields); err != nil {
		t.Fatalf("body %q: %v", a.Body, err)
	}
	return a
}

// signIn signs the development user in and returns the session's token.
func (s *stack) signIn(t *testing.T, header ...string) answer {
	t.Helper()
	a := s.send(t, http.MethodPost, "/sign-in/email", `{"email":"dev@axion.localhost","password":"`+s.DevelopmentPassword()+`"}`, header...)
	if a.Status != http.StatusOK || a.fields.Token == "" {
		t.Fatalf("sign in: got %d %s", a.Status, a.Body)
	}
	return a
}

// session asks get-session, and reports whether anybody is signed in.
func (s *stack) session(t *testing.T, header ...string) bool {
	t.Helper()
	a := s.send(t, http.MethodGet, "/get-session", "", header...)
	if a.Status != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("get-session: got %d %v", a.Status, a.Header)
	}
	return strings.TrimSpace(a.Body) != "null"
}
