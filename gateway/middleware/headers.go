package middleware

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"axion/gateway/config"
)

func headers(c *config.Headers) (Middleware, error) {
	if err := checkCustom("headers.customrequestheaders", c.CustomRequestHeaders); err != nil {
		return nil, err
	}
	cross, err := newCORS(c)
	if err != nil {
		return nil, err
	}
	security, hosts := securityHeaders(c), guard{c}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if cross != nil && isPreflight(r) {
				cross.preflight(w.Header(), r)
				w.WriteHeader(http.StatusOK)
				return
			}
			origin := r.Header.Get("Origin")
			customRequest(r, c.CustomRequestHeaders)
			secure := hosts.secure(r)
			e := &headerEditor{ResponseWriter: w, edit: func(h http.Header) {
				security.set(h, secure)
				customResponse(h, c.CustomResponseHeaders)
				if cross != nil {
					cross.answer(h, origin)
				}
			}}
			if hosts.admits(e, r) {
				next.ServeHTTP(e, r)
			}
			e.finish()
		})
	}, nil
}

// checkCustom refuses names and values that no header can have (RFC 9110, section 5.5):
// the service would read another request.
func checkCustom(field string, custom map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		if err := checkName(field, name); err != nil {
			return err
		}
		if !httpguts.ValidHeaderFieldValue(custom[name]) {
			return fmt.Errorf("%s.%s: the value has a line break, or another character that no header may have", field, name)
		}
	}
	return nil
}

// checkName refuses what is not the name of a header. It may be empty.
func checkName(field, name string) error {
	if name != "" && !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%s: %q is not the name of a header", field, name)
	}
	return nil
}

// customRequest sets headers, and Host as the request's; an empty value deletes.
func customRequest(r *http.Request, custom map[string]string) {
	for name, value := range custom {
		take(r, name)
		switch {
		case value == "" && strings.EqualFold(name, "X-Forwarded-For"):
			r.Header["X-Forwarded-For"] = nil // so that a proxy adds none, as with net/http's
		case value == "":
		case strings.EqualFold(name, "Host"):
			r.Host = value
		default:
			r.Header.Set(name, value)
		}
	}
}

// take removes a header that clients may not send, from the trailer too: there are
// servers that take that for a part of the header.
func take(r *http.Request, name string) {
	r.Header.Del(name)
	r.Trailer.Del(name)
}

// customResponse sets headers; an empty value deletes. The server adds two that are
// missing, unless they are there without a value.
func customResponse(h http.Header, custom map[string]string) {
	for name, value := range custom {
		if value != "" {
			h.Set(name, value)
			continue
		}
		switch name = http.CanonicalHeaderKey(name); name {
		case contentTypeHeader, "Date":
			h[name] = nil
		default:
			delete(h, name)
		}
	}
}
