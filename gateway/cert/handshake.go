package cert

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/certmagic"
)

// h3 is HTTP/3's name in handshakes.
const h3 = "h3"

// base is what handshakes have without options.
func (a *Authority) base() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.certificate(hello, false)
		},
	}
}

// TLSConfig is for entrypoints on TCP. It follows what is applied later, so that
// it is got once. Without options it serves HTTP/2 and HTTP/1.1 from TLS 1.2 on.
// Hosts that may have no certificate get the alert unrecognized_name.
func (a *Authority) TLSConfig() *tls.Config {
	t := a.base()
	t.GetConfigForClient = a.configFor(func(o *option) *tls.Config { return o.tcp })
	return t
}

// QUICConfig is TLSConfig for HTTP/3, whose handshakes are of TLS 1.3 always: a
// host whose options end below has none.
func (a *Authority) QUICConfig() *tls.Config {
	t := a.base()
	t.MinVersion, t.NextProtos = tls.VersionTLS13, []string{h3}
	t.GetConfigForClient = a.configFor(func(o *option) *tls.Config { return o.quic })
	return t
}

// ConfigFor is for handshakes whose TLS options are known, as those of TCP routers
// are: the host does not choose others. It has no protocols but those that the options
// name. Options that do not exist are an error.
func (a *Authority) ConfigFor(options string) (*tls.Config, error) {
	s := a.state.Load()
	t := a.base()
	if o := s.options[options]; o != nil {
		t = o.tcp.Clone()
		if len(o.config.ALPNProtocols) > 0 {
			return t, nil
		}
	} else if options != "" && options != defaultName {
		return nil, fmt.Errorf("the TLS options %q do not exist", options)
	}
	t.NextProtos = nil
	return t, nil
}

func (a *Authority) configFor(side func(*option) *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s := a.state.Load()
		if c := s.challenge(hello); c != nil {
			return c, nil
		}
		name := s.optionsFor(hello.ServerName)
		if o := s.options[name]; o != nil {
			return side(o), nil
		}
		if name != defaultName {
			return a.refuseAll(name), nil
		}
		return nil, nil
	}
}

// Misdirected reports whether a request asks for a host whose TLS options are
// others than those of its handshake. It is to be answered with the status 421:
// else a client could get round a host's options by the name of another host.
func (a *Authority) Misdirected(r *http.Request) bool {
	if r.TLS == nil {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if strings.EqualFold(host, r.TLS.ServerName) {
		return false
	}
	s := a.state.Load()
	return s.settings.OptionsFor != nil && s.optionsFor(host) != s.optionsFor(r.TLS.ServerName)
}

func (a *Authority) certificate(hello *tls.ClientHelloInfo, strict bool) (*tls.Certificate, error) {
	a.refresh()
	s := a.state.Load()
	host, err := hostOf(hello)
	if err != nil {
		if c := a.fallback(hello, s); c != nil && !strict {
			return c, nil
		}
		return a.refuse(hello, err.Error())
	}
	if c := s.pairs.find(hello, host); c != nil {
		return c, nil
	}
	if s.public[host] != nil {
		if c := a.public.find(hello, host); c != nil {
			return c, nil
		}
	}
	vouched := isLocal(host)
	if !vouched && !strict {
		if c := a.fallback(hello, s); c != nil {
			return c, nil
		}
	}
	c, err := a.local.certificate(hello, host, a.local.allow)
	if c != nil || err != nil {
		return c, err
	}
	if vouched && !strict {
		if c := a.fallback(hello, s); c != nil {
			return c, nil
		}
	}
	return a.refuse(hello, "no router asks for this host")
}

// fallback is the default certificate, or nil.
func (a *Authority) fallback(hello *tls.ClientHelloInfo, s *state) *tls.Certificate {
	switch {
	case s.fallback != nil:
		return s.fallback
	case s.generated == nil:
		return nil
	case s.public[s.generated.host] != nil:
		return a.public.find(hello, s.generated.host)
	}
	c, err := a.local.certificate(hello, s.generated.host, nil)
	if err != nil {
		a.log.Warn("no default certificate", "error", err)
	}
	return c
}

// hostOf is the name that the client asks for, or, of a client that connects to
// an address, that address.
func hostOf(hello *tls.ClientHelloInfo) (string, error) {
	host := strings.ToLower(hello.ServerName)
	if host == "" && hello.Conn != nil {
		if tcp, ok := hello.Conn.LocalAddr().(*net.TCPAddr); ok {
			return tcp.IP.String(), nil
		}
		if udp, ok := hello.Conn.LocalAddr().(*net.UDPAddr); ok {
			return udp.IP.String(), nil
		}
	}
	if host == "" || len(host) > 253 || !certmagic.SubjectQualifiesForCert(host) || strings.ContainsAny(host, "*/:") {
		return "", fmt.Errorf("%q is not a host name", host)
	}
	return host, nil
}

// isLocal reports whether the root may vouch for host.
func isLocal(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
