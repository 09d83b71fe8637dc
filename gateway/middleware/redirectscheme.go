package middleware

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"axion/gateway/config"
)

var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443"}

func redirectScheme(c *config.RedirectScheme, env Env) (Middleware, error) {
	scheme := strings.ToLower(c.Scheme)
	if scheme == "" {
		return nil, errors.New("redirectscheme.scheme is empty")
	}
	if n, err := strconv.ParseUint(c.Port, 10, 16); c.Port != "" && (err != nil || n == 0) {
		return nil, errors.New("redirectscheme.port " + strconv.Quote(c.Port) + " is not a port")
	}
	port := c.Port
	if port == "" && env.Port != nil {
		if n := env.Port(scheme); n > 0 {
			port = strconv.Itoa(n)
		}
	}
	if port == defaultPorts[scheme] {
		port = ""
	}
	overTLS := scheme == "https" || scheme == "wss"
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Also a WebSocket, whose scheme differs in name only: sending it on to
			// where it is would loop.
			if (r.TLS != nil) == overTLS {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Location", scheme+"://"+hostAt(r.Host, port)+r.URL.RequestURI())
			status := redirectStatus(r.Method, c.Permanent)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(http.StatusText(status)))
		})
	}, nil
}

// hostAt is host with its port replaced; an empty one leaves none.
func hostAt(host, port string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// redirectStatus keeps the method: clients turn a 301 or 302 of a POST into GET.
func redirectStatus(method string, permanent bool) int {
	switch {
	case method == http.MethodGet && permanent:
		return http.StatusMovedPermanently
	case method == http.MethodGet:
		return http.StatusFound
	case permanent:
		return http.StatusPermanentRedirect
	}
	return http.StatusTemporaryRedirect
}
