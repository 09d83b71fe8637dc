package middleware

import (
	"fmt"
	"net/http"
	"net/url"

	"axion/gateway/config"
)

// replacedPath sends the service the path that the client asked for.
const replacedPath = "X-Replaced-Path"

func replacePath(c *config.ReplacePath) (Middleware, error) {
	raw := rooted(c.Path)
	path, err := url.PathUnescape(raw)
	if err != nil {
		return nil, fmt.Errorf("replacepath.path: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Add(replacedPath, escapedPath(r.URL))
			serveAt(w, r, next, path, raw, false)
		})
	}, nil
}

// escapedPath is the path as the client wrote it.
func escapedPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}
