package middleware

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hostname"
)

var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443"}

func redirectScheme(c *config.RedirectScheme, env Env) (Middleware, error) {
	n, err := strconv.ParseUint(c.Port, 10, 16)
	if c.Port != "" && (err != nil || n == 0) {
		return nil, errors.New("redirectscheme.port " + strconv.Quote(c.Port) + " is not a port")
	}
	scheme := strings.ToLower(c.Scheme)
	own := func() int {
		if env.Port == nil {
			return 0
		}
		return env.Port(scheme)
	}
	if c.Port == "" { // where the scheme's entrypoint is here
		return RedirectTo(c, own)
	}
	return RedirectTo(c, func() int { return int(n) })
}

// RedirectTo sends requests to c's scheme and to the port that is given at each; 0 is
// the scheme's own. Those that came by the scheme pass: by any port where c has none,
// else by c's or by the one that is reported.
func RedirectTo(c *config.RedirectScheme, port func() int) (Middleware, error) {
	scheme := strings.ToLower(c.Scheme)
	if scheme == "" {
		return nil, errors.New("redirectscheme.scheme is empty")
	}
	secure := isSecure(scheme)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			to := defaultPorts[scheme]
			if n := port(); n > 0 {
				to = strconv.Itoa(n)
			}
			// Also a WebSocket, whose scheme differs in name only: sending it on to
			// where it is would loop.
			if cameBy(r) == secure && (c.Port == "" || cameTo(r, scheme, to, c.Port)) {
				next.ServeHTTP(w, r)
				return
			}
			if to == defaultPorts[scheme] {
				to = ""
			}
			w.Header().Set("Location", scheme+"://"+hostAt(r.Host, to)+r.URL.RequestURI())
			status := redirectStatus(r.Method, c.Permanent)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(http.StatusText(status)))
		})
	}, nil
}

func isSecure(scheme string) bool { return scheme == "https" || scheme == "wss" }

// cameBy reports whether the client speaks TLS, to this gateway or to a trusted one
// before it: from others the entrypoint does not take the header.
func cameBy(r *http.Request) (secure bool) {
	switch proto := strings.ToLower(r.Header.Get("X-Forwarded-Proto")); proto {
	case "http", "ws", "https", "wss":
		return isSecure(proto)
	}
	return r.TLS != nil
}

// cameTo reports whether the client asked for one of the ports. One that is not named
// is the scheme's.
func cameTo(r *http.Request, scheme string, ports ...string) bool {
	_, at, err := hostname.Split(r.Host)
	if err != nil || at == "" {
		at = defaultPorts[scheme]
	}
	return slices.Contains(ports, at)
}

// hostAt is host with its port replaced; an empty one leaves none.
func hostAt(host, port string) string {
	if h, _, err := hostname.Split(host); err == nil {
		host = h
	}
	return hostname.Join(host, port)
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
