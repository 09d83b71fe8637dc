package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"

	"axion/gateway/hostname"
)

// forwarded are the headers by which a proxy reports its client. None is
// believed from a client.
var forwarded = []string{
	"Forwarded",
	"X-Forwarded-For",
	"X-Forwarded-Host",
	"X-Forwarded-Method",
	"X-Forwarded-Port",
	"X-Forwarded-Prefix",
	"X-Forwarded-Proto",
	"X-Forwarded-Scheme",
	"X-Forwarded-Server",
	"X-Forwarded-Tls-Client-Cert",
	"X-Forwarded-Tls-Client-Cert-Info",
	"X-Forwarded-Uri",
	"X-Real-Ip",
	"X-Scheme",
}

// IsForwarded reports whether a header, named as [http.Header] has it, reports a
// proxy's client, also where only servers that take other characters for dashes would
// read it so, as X_Forwarded_For.
func IsForwarded(name string) bool {
	if name == "" || name[0] != 'X' && name[0] != 'F' {
		return false
	}
	if slices.Contains(forwarded, name) {
		return true
	}
	plain := func(c byte) bool { return c == '-' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }
	for i := range len(name) {
		if !plain(name[i]) {
			dashed := []byte(name)
			for j, c := range dashed {
				if !plain(c) {
					dashed[j] = '-'
				}
			}
			return slices.Contains(forwarded, http.CanonicalHeaderKey(string(dashed)))
		}
	}
	return false
}

// ForwardedOptions of [Forwarded].
type ForwardedOptions struct {
	// Trusted reports whether a peer's word on its client stands. Nil means nobody's does.
	Trusted func(netip.Addr) bool
	// Connection names headers that are left for the middlewares although the
	// request's Connection header names them. They are not forwarded.
	Connection []string
	// Scheme sets X-Forwarded-Scheme and X-Scheme too.
	Scheme bool
}

// trusts reports whether a peer's word on its client stands.
func (o *ForwardedOptions) trusts(ip string) bool {
	if o.Trusted == nil {
		return false
	}
	addr, err := netip.ParseAddr(ip)
	return err == nil && o.Trusted(addr)
}

// Forwarded returns the function that describes a request's client to upstream
// servers and middlewares, in place of what the client said of itself:
// X-Forwarded-Proto, -Port, -Host and -Server, and X-Real-Ip. It changes r.
// X-Forwarded-For follows when the request is forwarded. What trusted peers said
// stands, but for X-Forwarded-Server, which is the last server's.
func Forwarded(opts ForwardedOptions) func(r *http.Request) {
	server, _ := os.Hostname() // without one the header is left out
	kept := make([]string, len(opts.Connection))
	for i, name := range opts.Connection {
		kept[i] = http.CanonicalHeaderKey(strings.TrimSpace(name))
	}
	return func(r *http.Request) {
		ip, _, err := net.SplitHostPort(r.RemoteAddr)
		ip, _, _ = strings.Cut(ip, "%")
		believed := opts.trusts(ip)
		dropNamed(r.Header, kept)
		if !believed {
			forget(r.Header)
		}
		var values [5]string // one allocation for all
		n := 0
		put := func(name, value string) {
			values[n] = value
			r.Header[name] = values[n : n+1 : n+1]
			n++
		}
		set := func(name, value string) {
			if value == "" {
				return
			}
			if believed {
				if given := r.Header[name]; len(given) > 0 && given[0] != "" {
					return
				}
			}
			put(name, value)
		}
		if err == nil {
			set("X-Real-Ip", ip)
		}
		set("X-Forwarded-Proto", protocol(r))
		set("X-Forwarded-Port", port(r, believed))
		set("X-Forwarded-Host", r.Host)
		if server != "" {
			put("X-Forwarded-Server", server)
		}
		if opts.Scheme {
			scheme := r.Header["X-Forwarded-Proto"][0]
			r.Header["X-Forwarded-Scheme"], r.Header["X-Scheme"] = []string{scheme}, []string{scheme}
		}
	}
}

// dropNamed drops the headers that Connection says are for this connection alone, and
// from Connection their names (RFC 9110, section 7.6.1). Done here, it takes nothing of
// what the gateway and its middlewares add.
func dropNamed(h http.Header, left []string) {
	var kept []string
	named := false
	for _, line := range h["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			switch token = strings.TrimSpace(token); strings.ToLower(token) {
			case "":
			case "close", "keep-alive", "upgrade", "te":
				kept = append(kept, token)
			default:
				name := http.CanonicalHeaderKey(token)
				if slices.Contains(left, name) {
					kept = append(kept, token)
					continue
				}
				named = true
				if !IsForwarded(name) {
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
		if IsForwarded(name) {
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

// port is the one that the client dialled, as its Host header says it, or else the
// one of the protocol that it or, where believed says so, a peer in front of it speaks.
func port(r *http.Request, believed bool) string {
	if _, port, err := hostname.Split(r.Host); err == nil && port != "" {
		return port
	}
	if r.TLS != nil {
		return "443"
	}
	if !believed {
		return "80"
	}
	if proto := r.Header["X-Forwarded-Proto"][0]; strings.EqualFold(proto, "https") || strings.EqualFold(proto, "wss") {
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
