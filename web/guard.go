package web

import (
	"net/http"
	"strings"

	"axion/web/local"
)

// guard refuses requests that a foreign page could have caused: those for a
// host that is not this machine (DNS rebinding), and those from another origin,
// which could not read the answer, and still have it made. Only the page itself may
// be linked to from elsewhere. Sites that axion deploys are other origins.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		if !local.Host(r.Host) {
			writeProblem(w, http.StatusForbidden,
				"the dashboard answers on this machine's names only: localhost, *.localhost, 127.0.0.1 and [::1]")
			return
		}
		if !(safeMethod(r.Method) && isPage(r.URL.Path)) && !sameOrigin(r) {
			writeProblem(w, http.StatusForbidden, "the request comes from another origin")
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

// isPage tells what only shows the page from what asks or does something.
func isPage(path string) bool {
	return !strings.HasPrefix(path, "/api/") && path != "/metrics" && path != "/ws"
}

func safeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sameOrigin tells whether the page that sent r, if a page did, was served from
// the host that r is for. Programs other than browsers send no Origin.
func sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		site := r.Header.Get("Sec-Fetch-Site")
		return local.Host(r.Host) && (site == "" || site == "same-origin" || site == "none")
	}
	scheme, host, _ := strings.Cut(origins[0], "://")
	return len(origins) == 1 && local.Host(r.Host) && (scheme == "http" || scheme == "https") && strings.EqualFold(host, r.Host)
}
