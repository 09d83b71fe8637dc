package rule_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"axion/gateway/rule"
)

func TestNewRequestPath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ target, path, forwarded string }{
		{"/", "/", "/"},
		{"/a/b/", "/a/b/", "/a/b/"},
		{"/a?x=%2f//..", "/a", "/a?x=%2f//.."},
		{"//a///b", "/a/b", "/a/b"},
		{"/a/./b/../c", "/a/c", "/a/c"},
		{"/../../etc", "/etc", "/etc"},
		{"/a/%2e%2e/b", "/b", "/b"},
		{"/a/%2E%2e%2fb", "/a/..%2Fb", "/a/..%2Fb"},
		{"/%61%7Eb", "/a~b", "/a~b"},
		{"/a%2fb", "/a%2Fb", "/a%2Fb"},
		{"/a%252fb", "/a%252fb", "/a%252fb"},
		{"/a%20b", "/a b", "/a%20b"},
		{"/a%0Ab", "/a\nb", "/a%0Ab"},
		{"/a/..", "/", "/"},
		{"/a.b/.well-known/x", "/a.b/.well-known/x", "/a.b/.well-known/x"},
		{"/(a)!*'", "/(a)!*'", "/(a)!*'"},
	} {
		t.Run(tt.target, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "http://a.localhost/", nil)
			u, err := url.ParseRequestURI(tt.target) // as the server does
			if err != nil {
				t.Fatal(err)
			}
			r.URL, r.RequestURI = u, tt.target
			before := *u
			req, err := rule.NewRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			if req.Path != tt.path {
				t.Errorf("got path %q, want %q", req.Path, tt.path)
			}
			if got := req.HTTP.URL.RequestURI(); got != tt.forwarded {
				t.Errorf("got %q to forward, want %q", got, tt.forwarded)
			}
			if *r.URL != before || r.RequestURI != tt.target {
				t.Error("the request that was given is changed")
			}
			if clean := tt.target == tt.forwarded; clean != (req.HTTP == r) {
				t.Errorf("got a copy %t, want one only where the path is changed", req.HTTP != r)
			}
		})
	}
}

func TestNewRequestHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"a.localhost": "a.localhost", "A.LOCALHOST:443": "a.localhost", "a.localhost.": "a.localhost", "[0::1]": "::1",
		"[fe80::1%25x]": "fe80::1",
		"[::1]:80":      "::1", "[::1]": "::1", "::1": "::1", "": "", "127.0.0.1:80": "127.0.0.1",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if req, err := rule.NewRequest(r); err != nil || req.Host != want {
			t.Errorf("%q: got %v, %v; want %q", host, req, err, want)
		}
	}
}

func TestNewRequestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		change     func(*http.Request)
	}{
		{"ErrFragment", "fragment", func(r *http.Request) { r.URL, _ = url.ParseRequestURI("/a#b") }},
		{"ErrHost", "bracket", func(r *http.Request) { r.Host = "[::1" }},
		{"ErrHostName", "bracket", func(r *http.Request) { r.Host = "[a.localhost]x" }},
		{"ErrHostAfter", "bracket", func(r *http.Request) { r.Host = "[::1]x" }},
		{"ErrHostSpace", "character", func(r *http.Request) { r.Host = " a.localhost" }},
		{"ErrHostPort", "port", func(r *http.Request) { r.Host = "a.localhost:x" }},
		{"ErrHostHeader", "differ", func(r *http.Request) { r.Host, r.Header["Host"] = "a.localhost", []string{"b.localhost"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			tt.change(r)
			_, err := rule.NewRequest(r)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNewRequestClientIP(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"10.0.0.1:5": "10.0.0.1", "[::ffff:10.0.0.1]:5": "10.0.0.1", "[fe80::1%eth0]:5": "fe80::1", "@": "invalid IP",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = addr
		r.Header.Set("X-Forwarded-For", "1.2.3.4")
		if req, err := rule.NewRequest(r); err != nil || req.ClientIP().String() != want {
			t.Errorf("%s: got %v, %v; want %s", addr, req.ClientIP(), err, want)
		}
	}
}

func TestNewRequestAsterisk(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("OPTIONS", "*", nil)
	if req, err := rule.NewRequest(r); err != nil || req.Path != "*" || req.HTTP != r {
		t.Errorf("got %+v, %v; want the path * untouched", req, err)
	}
}
