package middleware

import (
	"net/http"
	"strings"

	"axion/gateway/config"
)

func headers(c *config.Headers) (Middleware, error) {
	cross, err := newCORS(c)
	if err != nil {
		return nil, err
	}
	security, door := securityHeaders(c), guard{c}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !door.admits(w, r) {
				return
			}
			if cross != nil && isPreflight(r) {
				cross.preflight(w.Header(), r)
				w.WriteHeader(http.StatusOK)
				return
			}
			origin := r.Header.Get("Origin")
			secure := door.secure(r)
			customRequest(r, c.CustomRequestHeaders)
			e := &editor{ResponseWriter: w, edit: func(h http.Header) {
				security.set(h, secure)
				customResponse(h, c.CustomResponseHeaders)
				if cross != nil {
					cross.answer(h, origin)
				}
			}}
			next.ServeHTTP(e, r)
			e.finish()
		})
	}, nil
}

// customRequest sets headers; an empty value deletes, and Host is the request's.
func customRequest(r *http.Request, custom map[string]string) {
	for name, value := range custom {
		switch {
		case strings.EqualFold(name, "Host"):
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
}

func customResponse(h http.Header, custom map[string]string) {
	for name, value := range custom {
		if value == "" {
			h.Del(name)
		} else {
			h.Set(name, value)
		}
	}
}
