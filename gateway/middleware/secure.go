package middleware

import (
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
)

// guard is what the headers middleware asks of a request before it passes: an allowed
// host, and TLS.
type guard struct {
	config *config.Headers
}

// admits answers requests that may not pass, and reports whether r may.
func (g guard) admits(w http.ResponseWriter, r *http.Request) bool {
	c := g.config
	if c.IsDevelopment {
		return true
	}
	if len(c.AllowedHosts) > 0 && !containsFold(c.AllowedHosts, g.host(r)) {
		http.Error(w, "Bad Host", http.StatusInternalServerError)
		return false
	}
	secure := g.secure(r)
	forced := c.SSLForceHost && c.SSLHost != "" && !strings.EqualFold(g.host(r), c.SSLHost)
	if (!c.SSLRedirect || secure) && !(forced && secure) {
		return true
	}
	host := r.Host
	if c.SSLHost != "" {
		host = c.SSLHost
	}
	status := http.StatusMovedPermanently
	if c.SSLTemporaryRedirect {
		status = http.StatusTemporaryRedirect
	}
	w.Header().Set("Location", "https://"+host+r.URL.RequestURI())
	w.WriteHeader(status)
	return false
}

// host is the one asked for, by the headers that proxies tell it in where some are
// believed.
func (g guard) host(r *http.Request) string {
	for _, name := range g.config.HostsProxyHeaders {
		if host := r.Header.Get(name); host != "" {
			return host
		}
	}
	return r.Host
}

func (g guard) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	for name, value := range g.config.SSLProxyHeaders {
		if slices.Contains(r.Header.Values(name), value) {
			return true
		}
	}
	return false
}
