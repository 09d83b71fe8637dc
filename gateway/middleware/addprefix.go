package middleware

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"axion/gateway/config"
	"axion/gateway/urlpath"
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
			serveAt(w, r, next, rooted(c.Prefix+r.URL.Path), raw, false)
		})
	}, nil
}

// serveAt serves r at another path, but for one that a server may take for a place
// outside of where it is put: the client chose what its segments are. Where only a
// tidy path will do, as for what a pattern left of a path, double slashes are refused
// too, as Traefik does.
func serveAt(w http.ResponseWriter, r *http.Request, next http.Handler, path, raw string, tidy bool) {
	to := withPath(r, path, raw)
	if escaped := to.URL.EscapedPath(); urlpath.Dotted(escaped) || tidy && !urlpath.Tidy(escaped) {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	next.ServeHTTP(w, to)
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

// slashed makes p start with a slash.
func slashed(p string) string {
	if strings.HasPrefix(p, "/") {
		return p
	}
	return "/" + p
}

// rooted makes p start with one slash: a path with two would be read as a host
// by whoever resolves it.
func rooted(p string) string { return "/" + strings.TrimLeft(p, "/") }
