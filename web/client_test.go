package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"axion/web/projectevents"
)

// TestSessionToken has services in the builtins' places that take other tokens, one
// after the other.
func TestSessionToken(t *testing.T) {
	t.Parallel()
	g := newFakeGraph(t)
	s := newStack()
	o := s.options(t, "127.0.0.1:0", g)
	var mu sync.Mutex
	var asked []string
	jwt, session := "refused", goodToken
	give := func(name string, token *string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, name)
			return *token, nil
		}
	}
	o.Client.Token, o.Client.Session = give("jwt", &jwt), give("session", &session)
	s.start(t, o)
	if after := <-g.dials; after != projectevents.SinceEpoch { // its WebSocket too
		t.Errorf("got %q", after)
	}
	call := func(method, body string, status int, want ...string) {
		t.Helper()
		mu.Lock()
		asked = nil
		mu.Unlock()
		res, text := s.call(t, method, "/api/projects", body, map[string]string{"Content-Type": "application/json"})
		mu.Lock()
		defer mu.Unlock()
		if res.StatusCode != status || !slices.Equal(asked, want) {
			t.Errorf("%s: got %d %s by %q, want %d by %q", method, res.StatusCode, text, asked, status, want)
		}
	}
	set := func(a, b string) {
		mu.Lock()
		defer mu.Unlock()
		jwt, session = a, b
	}
	// Which kind it takes is known once a call has found out, or the WebSocket.
	if res, text := s.call(t, "GET", "/api/projects", "", nil); res.StatusCode != http.StatusOK {
		t.Fatalf("GET: got %d %s", res.StatusCode, text)
	}
	call("POST", `{"name":"Shop"}`, http.StatusCreated, "session")
	call("GET", "", http.StatusOK, "session")
	set(goodToken, "refused") // another service is there now
	call("POST", `{"name":"Second"}`, http.StatusCreated, "session", "jwt")
	call("GET", "", http.StatusOK, "jwt")
	set("refused", goodToken)
	call("POST", `{"name":"Third"}`, http.StatusCreated, "jwt", "session")
	call("GET", "", http.StatusOK, "session")
	set("refused", "refused")
	call("GET", "", http.StatusUnauthorized, "session", "jwt")
	set("refused", goodToken)
	call("GET", "", http.StatusOK, "session")
	if _, text := s.call(t, "GET", "/api/projects", "", nil); strings.Count(text, `"slug"`) != 3 {
		t.Errorf("got %s, want each project once", text)
	}
}

// TestUser shows how to sign in to this machine's own pages, and to no others.
func TestUser(t *testing.T) {
	t.Parallel()
	s := newStack()
	o := s.options(t, "127.0.0.1:0", nil)
	o.User = func() (string, string) { return "dev@axion.localhost", "the-password" }
	s.start(t, o)
	if res, text := s.call(t, "GET", "/api/user", "", nil); res.StatusCode != 200 ||
		text != `{"email":"dev@axion.localhost","password":"the-password"}`+"\n" {
		t.Errorf("got %d %s", res.StatusCode, text)
	}
	for _, header := range []map[string]string{
		{"Origin": "https://evil.apps.localhost"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Host": "example.com"},
	} {
		if res, text := s.call(t, "GET", "/api/user", "", header); res.StatusCode != http.StatusForbidden ||
			strings.Contains(text, "the-password") {
			t.Errorf("%v: got %d %s", header, res.StatusCode, text)
		}
	}
	if _, text := s.call(t, "GET", "/api/system", "", nil); strings.Contains(text, "the-password") {
		t.Error("the password is in what is sent to every page again and again")
	}
}
