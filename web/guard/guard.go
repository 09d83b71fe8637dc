// Package guard refuses requests that a page other than the dashboard could have caused.
package guard

import (
	"net/http"
	"strings"

	"axion/web/loopback"
	"axion/web/respond"
)

// Guard refuses requests that a foreign page could have caused: those for a
// host that is not this machine (DNS rebinding), and those from another origin,
// which could not read the answer, and still have it made. Only the page itself may
// be linked to from elsewhere. Sites that axion deploys are other origins.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		if !loopback.Host(r.Host) {
			respond.Problem(w, http.StatusForbidden,
				"the dashboard answers on this machine's names only: localhost, *.localhost, 127.0.0.1 and [::1]")
			return
		}
		if !(SafeMethod(r.Method) && isPage(r.URL.Path)) && !SameOrigin(r) {
			respond.Problem(w, http.StatusForbidden, "the request comes from another origin")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func secureHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}

// isPage reports whether a path only shows the page.
func isPage(path string) bool {
	return !strings.HasPrefix(path, "/api/") && path != "/metrics" && path != "/ws"
}

// SafeMethod reports whether a method changes nothing.
func SafeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// SameOrigin reports whether the page that sent r, if a page did, was served from
// the host that r is for. Programs other than browsers send no Origin.
func SameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		site := r.Header.Get("Sec-Fetch-Site")
		return loopback.Host(r.Host) && (site == "" || site == "same-origin" || site == "none")
	}
	scheme, host, _ := strings.Cut(origins[0], "://")
	return len(origins) == 1 && loopback.Host(r.Host) && (scheme == "http" || scheme == "https") && strings.EqualFold(host, r.Host)
}
