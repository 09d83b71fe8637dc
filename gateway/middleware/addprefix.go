package middleware

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"axion/gateway/config"
)

func addPrefix(c *config.AddPrefix) (Middleware, error) {
	if c.Prefix == "" {
		return nil, errors.New("addprefix.prefix is empty")
	}
	escaped := (&url.URL{Path: c.Prefix}).EscapedPath()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw := ""
			if r.URL.RawPath != "" {
				raw = rooted(escaped + r.URL.RawPath)
			}
			next.ServeHTTP(w, withPath(r, rooted(c.Prefix+r.URL.Path), raw))
		})
	}, nil
}

// withPath is a copy of r for another path. Headers are shared with r.
func withPath(r *http.Request, path, raw string) *http.Request {
	u := *r.URL
	u.Path, u.RawPath = path, raw
	to := *r
	to.URL = &u
	to.RequestURI = u.RequestURI()
	return &to
}

// rooted makes p start with one slash: a path with two would be read as a host
// by whoever resolves it.
func rooted(p string) string { return "/" + strings.TrimLeft(p, "/") }
