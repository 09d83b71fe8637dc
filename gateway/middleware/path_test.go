package middleware_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"axion/gateway/config"
)

func TestPathRewrites(t *testing.T) {
	t.Parallel()
	replace := func(p string) config.Middleware {
		return config.Middleware{ReplacePath: &config.ReplacePath{Path: p}}
	}
	pattern := func(from, to string) config.Middleware {
		return config.Middleware{ReplacePathRegex: &config.ReplacePathRegex{Regex: from, Replacement: to}}
	}
	strip := func(p ...string) config.Middleware {
		return config.Middleware{StripPrefixRegex: &config.StripPrefixRegex{Regex: p}}
	}
	for _, tt := range []struct {
		name       string
		middleware config.Middleware
		path, want string // escaped path, request target, X-Replaced-Path, X-Forwarded-Prefix
	}{
		{"OK/replace", replace("/b"), "/a%2Fa?q=1", "/b /b?q=1 /a%2Fa "},
		{"OK/replace without slash", replace("b"), "/a", "/b /b /a "},
		{"OK/replace by an escaped path", replace("/b%2Fc"), "/a", "/b%2Fc /b%2Fc /a "},
		{"OK/replace with a question mark", replace("/b?c"), "/a", "/b%3Fc /b%3Fc /a "},
		{"OK/regex", pattern("^/api/(.*)", "/$1"), "/api/a%2Fb?q=1", "/a%2Fb /a%2Fb?q=1 /api/a%2Fb "},
		{"OK/regex named", pattern("/(?P<n>[0-9]+)", "/id/${n}/x"), "/7", "/id/7/x /id/7/x /7 "},
		{"OK/regex without match", pattern("^/api", "/x"), "/a", "/a /a  "},
		{"Err/regex to a host", pattern("^/api", "/"), "/api/evil", "Bad Request\n"},
		{"OK/regex without replacement", pattern("^/rr", ""), "/rr/a?q=1", "/a /a?q=1 /rr/a "},
		{"OK/regex without replacement, of all", pattern("^/rr", " "), "/rr", "/ / /rr "},
		{"OK/replace by nothing", replace(""), "/a/b?q=1", "/ /?q=1 /a/b "},
		{"OK/strip no pattern", strip(), "/api", "/api /api  "},
		{"OK/strip", strip("^/[a-z]+/[0-9]+"), "/api/12/users?q=1", "/users /users?q=1  /api/12"},
		{"OK/strip second pattern", strip("^/x", "/[a-z]+"), "/api/users", "/users /users  /api"},
		{"OK/strip not at the start", strip("/users"), "/api/users", "/api/users /api/users  "},
		{"OK/strip all", strip("/.*"), "/api", "/ /  /api"},
		{"OK/strip empty match", strip("x*"), "/api", "/api /api  "},
		{"OK/strip keeps escapes", strip("^/[a-z]/[a-z]"), "/a%2Fb/c%2Fd", "/c%2Fd /c%2Fd  /a/b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, tt.middleware, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, r.URL.EscapedPath(), " ", r.RequestURI, " ", r.Header.Get("X-Replaced-Path"), " ", r.Header.Get("X-Forwarded-Prefix"))
			})
			if got := send(h, "GET", tt.path).Body.String(); got != tt.want {
				t.Errorf("service sees: got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("ErrReplacementDoesNotUnescape", func(t *testing.T) {
		t.Parallel()
		if got := send(build(t, pattern("^/a", "/%"), ok), "GET", "/a/zz").Code; got != 500 {
			t.Errorf("status: got %d, want 500", got)
		}
	})
}

func TestRedirectRegex(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		config   config.RedirectRegex
		method   string
		url      string
		tls      bool
		status   int
		location string
	}{
		{"OK/host", config.RedirectRegex{Regex: "^http://www.(.*)", Replacement: "http://$1"}, "GET", "http://www.a.localhost:8080/p?q=1", false,
			302, "http://a.localhost:8080/p?q=1"},
		{"OK/sees TLS", config.RedirectRegex{Regex: "^https://(.*)/old", Replacement: "https://${1}/new"}, "GET", "https://a.localhost/old", true,
			302, "https://a.localhost/new"},
		{"OK/permanent", config.RedirectRegex{Regex: "old", Replacement: "new", Permanent: true}, "GET", "http://a/old", false, 301,
			"http://a/new"},
		{"OK/POST", config.RedirectRegex{Regex: "old", Replacement: "new"}, "POST", "http://a/old", false, 307, "http://a/new"},
		{"OK/permanent POST", config.RedirectRegex{Regex: "old", Replacement: "new", Permanent: true}, "POST", "http://a/old", false, 308,
			"http://a/new"},
		{"OK/no match", config.RedirectRegex{Regex: "^https://", Replacement: "http://"}, "GET", "http://a/old", false, 200, ""},
		{"OK/to where it is", config.RedirectRegex{Regex: "^(.*)$", Replacement: "$1"}, "GET", "http://a/old", false, 200, ""},
		{"OK/whole URL as target", config.RedirectRegex{Regex: "^http://b/old$", Replacement: "http://c/"}, "GET", "http://b/old", false, 302,
			"http://c/"},
		{"Err/target does not parse", config.RedirectRegex{Regex: "old", Replacement: "\r\nSet-Cookie: a"}, "GET", "http://a/old", false, 500,
			""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, config.Middleware{RedirectRegex: &tt.config}, ok)
			r := httptest.NewRequest(tt.method, tt.url, nil)
			r.TLS = nil
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if tt.name != "OK/whole URL as target" {
				r.RequestURI = r.URL.RequestURI()
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Header().Get("Location"); w.Code != tt.status || got != tt.location {
				t.Errorf("answer: got %d %q, want %d %q", w.Code, got, tt.status, tt.location)
			}
		})
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	off, on := false, true
	for name, tt := range map[string]struct {
		config config.ContentType
		want   string
	}{
		"OK/guesses":      {config.ContentType{}, "text/html; charset=utf-8"},
		"OK/switched on":  {config.ContentType{AutoDetect: &on}, "text/html; charset=utf-8"},
		"OK/switched off": {config.ContentType{AutoDetect: &off}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, config.Middleware{ContentType: &tt.config}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil // as the gateway does
				h.ServeHTTP(w, r)
			}))
			defer s.Close()
			resp, err := s.Client().Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got := resp.Header.Get("Content-Type"); got != tt.want {
				t.Errorf("type: got %q, want %q", got, tt.want)
			}
		})
	}
}
