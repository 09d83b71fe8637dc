package middleware_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/middleware"
)

// echoPage answers with what it was asked.
func echoPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Page", "yes")
	w.WriteHeader(http.StatusTeapot)
	fmt.Fprint(w, r.Method, " ", r.Host, " ", r.RequestURI, " ", r.Header.Get("X-A"), " ", r.Header.Get("Cookie"), " ",
		r.Header.Get("If-None-Match"))
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	pages := serve(t, http.HandlerFunc(echoPage))
	env := middleware.Env{Service: func(name string) (http.Handler, error) {
		switch name {
		case "pages":
			return forward(t, pages.URL), nil
		case "gone":
			return forward(t, closed(t)), nil
		}
		return nil, errors.New("it does not exist")
	}}
	for _, tt := range []struct {
		name    string
		config  config.Errors
		service int // its status
		status  int
		body    string
	}{
		{"OK/caught", config.Errors{Status: []string{"404", "500-599"}, Query: "/{status}.html?u={url}"}, 503, 503,
			"GET h /503.html?u=http%3A%2F%2Fh%2Fp%3Fq%3D1 a c "},
		{"OK/end of range", config.Errors{Status: []string{"500-599"}, Query: "e/{status}"}, 599, 599, "GET h /e/599 a c "},
		{"OK/not caught", config.Errors{Status: []string{"500-599"}}, 404, 404, "original"},
		{"OK/without query", config.Errors{Status: []string{"404"}}, 404, 404, "GET h / a c "},
		{"OK/rewritten", config.Errors{Status: []string{"418", "502-504"}, StatusRewrites: map[string]int{"502-504": 500, "418": 404},
			Query: "/{status}-{originalStatus}"}, 503, 500, "GET h /500-503 a c "},
		{"OK/narrower rewrite", config.Errors{Status: []string{"500-599"}, StatusRewrites: map[string]int{"500-599": 500, "503": 404}}, 503, 404,
			"GET h / a c "},
		{"OK/listed headers", config.Errors{Status: []string{"500"}, ErrorRequestHeaders: []string{"x-a"}}, 500, 500, "GET h / a  "},
		{"OK/no headers", config.Errors{Status: []string{"500"}, ErrorRequestHeaders: []string{}}, 500, 500, "GET h /   "},
		{"OK/status without body", config.Errors{Status: []string{"500"}, StatusRewrites: map[string]int{"500": 204}}, 500, 204, ""},
		{"Err/no page", config.Errors{Status: []string{"500"}, Service: "gone"}, 500, 500, "Bad Gateway\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.config.Service == "" {
				tt.config.Service = "pages"
			}
			inner := buildIn(t, env, config.Middleware{Errors: &tt.config}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Original", "yes")
				w.Header().Set("Content-Length", "8")
				w.WriteHeader(tt.service)
				fmt.Fprint(w, "original")
				_ = http.NewResponseController(w).Flush()
			}))
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Outer", "yes")
				r.Host = "h"
				inner.ServeHTTP(w, r)
			}))
			got := ask(t, "POST", s.URL+"/p?q=1", strings.NewReader("body"), "X-A", "a", "Cookie", "c", "If-None-Match", "e")
			if got.StatusCode != tt.status || got.body != tt.body {
				t.Errorf("answer: got %d %q, want %d %q", got.StatusCode, got.body, tt.status, tt.body)
			}
			if got.Header.Get("X-Outer") != "yes" {
				t.Errorf("header set further out: got %v, want it kept", got.Header)
			}
			if caught := got.Header.Get("X-Original") == ""; caught == (tt.body == "original") {
				t.Errorf("header of the dropped answer: got %v", got.Header)
			}
		})
	}
	t.Run("ErrService", func(t *testing.T) {
		t.Parallel()
		m := config.Middleware{Errors: &config.Errors{Service: "x"}}
		if _, err := middleware.Build(&m, env); err == nil || err.Error() != "errors.service: it does not exist" {
			t.Errorf("error: got %v", err)
		}
	})
	t.Run("OK/PageIsNotRetried", func(t *testing.T) {
		t.Parallel()
		calls := 0
		h := buildIn(t, env, config.Middleware{Errors: &config.Errors{Status: []string{"500"}, Service: "gone"}},
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(500)
			}))
		s := serve(t, buildIn(t, env, retrying(5), h))
		if got := get(t, s.URL); got.StatusCode != 500 || calls != 1 {
			t.Errorf("got %d after %d calls, want 500 after 1", got.StatusCode, calls)
		}
	})
}
