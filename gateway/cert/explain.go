package cert

import (
	"crypto/tls"

	"axion/gateway/hostname"
)

// FromDefault is the source of a certificate that is not for the host itself.
const FromDefault = "default"

// Handshake says what a client's TLS handshake comes to.
type Handshake struct {
	// Options is the name of the host's TLS options.
	Options string `json:"options"`
	// Certificate says where the one that the client gets is from: FromFile, FromACME,
	// FromLocal or FromDefault; empty where it gets none.
	Certificate string `json:"certificate,omitempty" enum:"file,acme,local,default"`
	// Trusted says that a client accepts it for the host that trusts the local
	// authority's root; what other authorities stand for is not looked at.
	Trusted bool `json:"trusted"`
	// ClientAuth is what is asked of the client: one of Go's names, such as
	// RequireAndVerifyClientCert; empty where nothing is.
	ClientAuth string `json:"clientAuth,omitempty"`
	// Refused says why there is no handshake.
	Refused string `json:"refused,omitempty"`
}

// Explain says what a handshake with an entrypoint comes to for a server name, which
// is as [hostname.Name] gives it, or empty for a client that names none and connects to
// address. Routed says whether a router asks for the name. No certificate is issued.
func (a *Authority) Explain(entrypoint, name, address string, routed bool) Handshake {
	s := a.state.Load()
	h := Handshake{Options: s.optionsFor(entrypoint, name)}
	o := s.option(h.Options)
	if o == nil || o.broken {
		h.Refused = "the TLS options " + quote(h.Options) + " are wrong or missing"
		return h
	}
	if o.tcp.ClientAuth != tls.NoClientCert {
		h.ClientAuth = o.tcp.ClientAuth.String()
	}
	host, strict := name, o.config.SniStrict
	if name == "" {
		host, _ = hostname.Name(address)
	}
	permitted, configured := a.root.permits(host), s.fallback != nil || s.generated != nil
	switch {
	case s.pairs.names(host):
		h.Certificate = FromFile
	case name != "" && s.public[name] != nil:
		h.Certificate = FromACME
	case name != "" && routed && (permitted || strict || !configured), permitted && !strict && !configured:
		h.Certificate, h.Trusted = FromLocal, permitted
	case !strict:
		h.Certificate = FromDefault
	case name == "":
		h.Refused = "sniStrict is set, and the client names no host"
	default:
		h.Refused = "sniStrict is set, and no router asks for this host"
	}
	return h
}

// Mismatched says why a request for host is misdirected on a connection whose client
// has named another host, or none: see [Authority.Misdirected]. It is empty where the
// request is not.
func (a *Authority) Mismatched(entrypoint, host, name string) string {
	s := a.state.Load()
	if host == name || len(s.options) == 0 {
		return ""
	}
	of, from := s.optionsFor(entrypoint, host), s.optionsFor(entrypoint, name)
	switch o := s.option(of); {
	case o == nil || o.broken:
		return "its TLS options " + quote(of) + " are wrong or missing"
	case of != from:
		return "its TLS options are " + quote(of) + ", those of the handshake " + quote(from)
	case o.tcp.ClientAuth != tls.NoClientCert:
		return "its TLS options " + quote(of) + " ask for clients' certificates, and the handshake was for another host"
	}
	return ""
}
