package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard refuses requests that a foreign page could have caused: those for a
// host that is not this machine (DNS rebinding), and those that change state
// from another origin. Sites that axion deploys are other origins.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		if !localHost(r.Host) {
			writeProblem(w, http.StatusForbidden,
				"the dashboard answers on this machine's names only: localhost, *.localhost, 127.0.0.1 and [::1]")
			return
		}
		if !safeMethod(r.Method) && !sameOrigin(r) {
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

func safeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// localHost tells whether a Host header names this machine.
func localHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// sameOrigin tells whether the page that sent r, if a page did, was served from
// the host that r is for. Programs other than browsers send no Origin.
func sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		site := r.Header.Get("Sec-Fetch-Site")
		return localHost(r.Host) && (site == "" || site == "same-origin" || site == "none")
	}
	origin, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && localHost(r.Host) &&
		(origin.Scheme == "http" || origin.Scheme == "https") && strings.EqualFold(origin.Host, r.Host)
}
