package middleware_test

import (
	"fmt"
	"net/http"
	"testing"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

// What a client writes does not lead out of where a middleware puts its path.
func TestPathTraversal(t *testing.T) {
	t.Parallel()
	strip := config.Middleware{StripPrefix: &config.StripPrefix{Prefixes: []string{"/api"}}}
	stripRegex := config.Middleware{StripPrefixRegex: &config.StripPrefixRegex{Regex: []string{"^/[a-z]{3}"}}}
	pattern := config.Middleware{ReplacePathRegex: &config.ReplacePathRegex{Regex: "^/api(.*)", Replacement: "/v1/$1"}}
	short := config.Middleware{ReplacePathRegex: &config.ReplacePathRegex{Regex: "^/api/?(.*)", Replacement: "/$1"}}
	add := config.Middleware{AddPrefix: &config.AddPrefix{Prefix: "/base"}}
	addSlash := config.Middleware{AddPrefix: &config.AddPrefix{Prefix: "/base/"}}
	replace := func(p string) config.Middleware {
		return config.Middleware{ReplacePath: &config.ReplacePath{Path: p}}
	}
	for i, tt := range []struct {
		middleware config.Middleware
		path       string
		want       string // what the service is asked for; empty for 400
	}{
		{strip, "/api../admin", ""},
		{strip, "/api./admin", ""},
		{strip, "/api%2e%2e/admin", ""},
		{strip, "/api%2E/admin", ""},
		{strip, "/api..%2Fadmin", ""},
		{strip, "/api..%5Cadmin", ""},
		{strip, "/api..;/admin", ""},
		{strip, "/api%252e%252e/admin", ""},
		{strip, "/api/..%2fadmin", ""},
		{strip, "/api/../admin", ""},
		{strip, "/api/..", ""},
		{strip, "/api//admin", ""},
		{strip, "/api%2F%2Fadmin", ""},
		{strip, "/api.well-known/a", "/.well-known/a"},
		{strip, "/api/a..b/.c/...?q=../x", "/a..b/.c/...?q=../x"},
		{strip, "/api", "/"},
		{strip, "/other/..%2fadmin", "/other/..%2fadmin"}, // as it came: nothing is changed
		{stripRegex, "/api../admin", ""},
		{stripRegex, "/api%2e%2e/admin", ""},
		{stripRegex, "/api./admin", ""},
		{stripRegex, "/api/users?q=1", "/users?q=1"},
		{pattern, "/api../admin", ""},
		{pattern, "/apix", "/v1/x"},
		{short, "/api../admin", ""},
		{short, "/api.%2e/admin", ""},
		{short, "/api/%2e./admin", ""},
		{short, "/api/a?q=1", "/a?q=1"},
		{add, "/../admin", ""},
		{add, "/..%2fadmin", ""},
		{add, "/a//b", "/base/a//b"},
		{add, "/a?q=..", "/base/a?q=.."},
		{addSlash, "/a", "/base//a"},
		{replace("/x/../y"), "/a", ""},
		{replace("/x/%2e%2e/y"), "/a", ""},
		{replace("/x//y"), "/a?q=1", "/x//y?q=1"},
	} {
		t.Run(fmt.Sprintf("%d%s", i, tt.path), func(t *testing.T) {
			t.Parallel()
			m, err := middleware.Build(&tt.middleware, middleware.Env{})
			if err != nil {
				t.Fatal(err)
			}
			asked := ""
			h := m(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if asked = r.URL.RequestURI(); asked != r.RequestURI {
					t.Errorf("target: got %q, the URL is %q", r.RequestURI, asked)
				}
			}))
			r, err := http.NewRequest(http.MethodGet, "http://a.localhost"+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.RequestURI = tt.path
			status := 200
			if tt.want == "" {
				status = 400
			}
			for range 2 {
				asked = ""
				if got := do(h, r).Code; got != status || asked != tt.want {
					t.Errorf("answer: got %d, service asked for %q; want %d, %q", got, asked, status, tt.want)
				}
			}
		})
	}
}
