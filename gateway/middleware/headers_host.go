package middleware

import (
	"net/http"
	"slices"

	"axion/gateway/config"
)

// guard is what the headers middleware asks of a request before it passes: an allowed
// host.
type guard struct {
	config *config.Headers
}

// admits answers requests that may not pass, and reports whether r may.
func (g guard) admits(w http.ResponseWriter, r *http.Request) bool {
	c := g.config
	if len(c.AllowedHosts) == 0 || c.IsDevelopment || containsFold(c.AllowedHosts, g.host(r)) {
		return true
	}
	http.Error(w, "Bad Host", http.StatusInternalServerError)
	return false
}

// host is the one asked for, by the headers that proxies say it in where some are
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
