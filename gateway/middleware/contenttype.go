package middleware

import (
	"net/http"

	"axion/gateway/config"
)

const contentTypeHeader = "Content-Type"

// contentType turns the guessing of types back on: the gateway turns it off by a
// nil Content-Type, since a service's silence is to be handed on as it is.
func contentType(c *config.ContentType) (Middleware, error) {
	if c.AutoDetect != nil && !*c.AutoDetect {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if values, ok := w.Header()[contentTypeHeader]; ok && values == nil {
				delete(w.Header(), contentTypeHeader)
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}
