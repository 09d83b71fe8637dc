package middleware

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// forwarded are the headers by which proxies report a client.
var forwarded = []string{
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Method", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto",
	"X-Forwarded-Server", clientCertHeader, clientInfoHeader, "X-Forwarded-Uri", "X-Real-Ip",
}

// header is that of the question whether r may pass: r's own, as far as it is asked
// for, and what reports r. Where the headers of other proxies are trusted, what they
// said stands, and where they are not, none is handed on. Where neither is set, those
// are that are not set here, as Traefik has it for old configurations.
func (a *authorizer) header(r *http.Request) http.Header {
	set, trusted := a.config.TrustForwardHeader != nil, a.config.TrustForwardHeader != nil && *a.config.TrustForwardHeader
	h := make(http.Header, len(r.Header)+8)
	for name, values := range r.Header {
		isForwarded := slices.Contains(forwarded, name)
		listed := len(a.config.AuthRequestHeaders) == 0 || containsFold(a.config.AuthRequestHeaders, name) || isForwarded && trusted
		if listed && (!isForwarded || trusted || !set) {
			h[name] = slices.Clone(values)
		}
	}
	dropHops(h)
	// The body, if it is sent at all, has arrived.
	h.Del("Expect")
	if h["User-Agent"] == nil {
		h["User-Agent"] = []string{""} // or Go would name itself
	}
	put := func(name, value string) {
		if !trusted || h[name] == nil {
			h.Set(name, value)
		}
	}
	put("X-Forwarded-Method", r.Method)
	put("X-Forwarded-Proto", schemeOf(r))
	put("X-Forwarded-Host", r.Host)
	put("X-Forwarded-Uri", r.URL.RequestURI())
	if set {
		put("X-Forwarded-Port", portOf(r, h.Get("X-Forwarded-Proto")))
	}
	if prior := h["X-Forwarded-For"]; trusted && prior != nil {
		h.Set("X-Forwarded-For", strings.Join(append(prior, peer(r)), ", "))
	} else {
		h.Set("X-Forwarded-For", peer(r))
	}
	return h
}

// schemeOf is http or https, by how r came.
func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// portOf is the port that the client asked for.
func portOf(r *http.Request, scheme string) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil && port != "" {
		return port
	}
	if r.TLS != nil || scheme == "https" || scheme == "wss" {
		return "443"
	}
	return "80"
}

// dropHops removes the headers that are for one connection (RFC 9110, section 7.6.1).
// Those of Proxy-Authorization may be meant for the server that decides (RFC 9110,
// section 11.7.2), and its Proxy-Authenticate for the client.
func dropHops(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
}
