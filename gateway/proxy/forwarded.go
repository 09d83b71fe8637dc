package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// forwarded are the headers by which a proxy tells of its client. None is
// believed from a client.
var forwarded = []string{
	"X-Forwarded-For",
	"X-Forwarded-Host",
	"X-Forwarded-Method",
	"X-Forwarded-Port",
	"X-Forwarded-Prefix",
	"X-Forwarded-Proto",
	"X-Forwarded-Server",
	"X-Forwarded-Tls-Client-Cert",
	"X-Forwarded-Tls-Client-Cert-Info",
	"X-Forwarded-Uri",
	"X-Real-Ip",
}

// Forwarded returns the function that describes a request's client to upstream
// servers and middlewares, in place of what the client said of itself:
// X-Forwarded-Proto, -Port, -Host and -Server, and X-Real-Ip. It changes r.
// X-Forwarded-For follows when the request is forwarded. What peers that are trusted
// said stands; nil trusts nobody.
func Forwarded(trusted func(netip.Addr) bool) func(r *http.Request) {
	server, _ := os.Hostname() // without one the header is left out
	return func(r *http.Request) {
		ip, _, err := net.SplitHostPort(r.RemoteAddr)
		believed := false
		if trusted != nil {
			if addr, err := netip.ParseAddr(ip); err == nil {
				believed = trusted(addr)
			}
		}
		dropNamed(r.Header)
		if !believed {
			forget(r.Header)
		}
		var values [5]string // one allocation for all
		n := 0
		set := func(name, value string) {
			if believed && r.Header[name] != nil || value == "" {
				return
			}
			values[n] = value
			r.Header[name] = values[n : n+1 : n+1]
			n++
		}
		if err == nil {
			set("X-Real-Ip", ip)
		}
		set("X-Forwarded-Proto", protocol(r))
		set("X-Forwarded-Port", port(r))
		set("X-Forwarded-Host", r.Host)
		set("X-Forwarded-Server", server)
	}
}

// dropNamed drops the headers that Connection says are for this connection alone, and
// from Connection their names (RFC 9110, section 7.6.1). Done here, it takes nothing of
// what the gateway and its middlewares add.
func dropNamed(h http.Header) {
	var kept []string
	named := false
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			switch token = strings.TrimSpace(token); strings.ToLower(token) {
			case "":
			case "close", "keep-alive", "upgrade", "te":
				kept = append(kept, token)
			default:
				named = true
				if name := http.CanonicalHeaderKey(token); !slices.Contains(forwarded, name) {
					delete(h, name)
				}
			}
		}
	}
	if named {
		h["Connection"] = []string{strings.Join(kept, ", ")}
	}
}

// forget drops what a client says of itself.
func forget(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "X-") && slices.Contains(forwarded, name) {
			delete(h, name)
		}
	}
}

func protocol(r *http.Request) string {
	socket := r.Header["Upgrade"] != nil && IsWebSocket(r)
	switch {
	case socket && r.TLS != nil:
		return "wss"
	case socket:
		return "ws"
	case r.TLS != nil:
		return "https"
	}
	return "http"
}

// port is the one that the client dialled, as its Host header tells it.
func port(r *http.Request) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil && port != "" {
		return port
	}
	if r.TLS != nil {
		return "443"
	}
	return "80"
}

// IsWebSocket reports whether r asks to become a WebSocket.
func IsWebSocket(r *http.Request) bool {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return false
	}
	for _, line := range r.Header["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return true
			}
		}
	}
	return false
}
