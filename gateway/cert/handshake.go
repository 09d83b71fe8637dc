package cert

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"axion/gateway/hostname"
)

const (
	// h3 is HTTP/3's name in handshakes.
	h3 = "h3"
	// defaultHost is in the certificate that hosts get for which there is no other.
	defaultHost = "localhost"
	// maxName is the length of a name, in bytes (RFC 1035, section 2.3.4).
	maxName = 253
)

// TLSConfig is for an entrypoint on TCP, whose name may change. It follows what is
// applied later, so that it is got once. Without options it serves HTTP/2 and HTTP/1.1 from TLS 1.2 on.
// Clients that get no certificate get the alert unrecognized_name.
func (a *Authority) TLSConfig(entrypoint func() string) *tls.Config {
	t := a.base()
	t.GetConfigForClient = a.configFor(entrypoint, func(o *option) *tls.Config { return o.tcp })
	return t
}

// QUICConfig is TLSConfig for HTTP/3, whose handshakes are of TLS 1.3 always: a
// host whose options end below has none.
func (a *Authority) QUICConfig(entrypoint func() string) *tls.Config {
	t := a.base()
	t.MinVersion, t.NextProtos = tls.VersionTLS13, []string{h3}
	t.GetConfigForClient = a.configFor(entrypoint, func(o *option) *tls.Config { return o.quic })
	return t
}

// ConfigFor is for handshakes whose TLS options are known, as those of TCP routers
// are: the host does not choose others. It has no protocols but those that the options
// name. Options that do not exist are an error.
func (a *Authority) ConfigFor(options string) (*tls.Config, error) {
	o := a.state.Load().option(cmp.Or(options, defaultName))
	if o == nil {
		return nil, fmt.Errorf("the TLS options %q do not exist", options)
	}
	t := o.tcp.Clone()
	if len(o.config.ALPNProtocols) == 0 {
		t.NextProtos = nil
	}
	return t, nil
}

func (a *Authority) configFor(entrypoint func() string, side func(*option) *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s := a.state.Load()
		if c := s.challenge(hello); c != nil {
			return c, nil
		}
		sni, _ := hostname.Name(hello.ServerName)
		name := s.optionsFor(entrypoint(), sni)
		if o := s.option(name); o != nil {
			return side(o), nil
		}
		return a.refuseAll(name), nil
	}
}

// Misdirected reports whether the handshake of a request's connection does not do for
// the host that it asks for, which is as [hostname.Name] gives it: the host's TLS
// options are others than those of the handshake's server name, or ask for clients'
// certificates and the names differ, or came into force later and want more. It is to
// be answered with the status 421: else a client could get round a host's options by
// the name of another host.
func (a *Authority) Misdirected(entrypoint, host string, connection *tls.ConnectionState) bool {
	s := a.state.Load()
	if connection == nil || len(s.options) == 0 {
		return false
	}
	name := s.optionsFor(entrypoint, host)
	o := s.option(name)
	if o == nil || o.broken {
		return true
	}
	if sni := connection.ServerName; sni != host {
		sni, _ = hostname.Name(sni)
		if sni != host && (o.tcp.ClientAuth != tls.NoClientCert || name != s.optionsFor(entrypoint, sni)) {
			return true
		}
	}
	return !o.met(connection)
}

// Met reports whether the handshake of a connection was by the TLS options of that name,
// and does for them as they are now.
func (a *Authority) Met(entrypoint, options string, connection *tls.ConnectionState) bool {
	s := a.state.Load()
	sni, _ := hostname.Name(connection.ServerName)
	o := s.option(options)
	return o != nil && !o.broken && s.optionsFor(entrypoint, sni) == options && o.met(connection)
}

// chooser chooses the certificate that a handshake gets.
type chooser struct {
	root   *root
	log    *slog.Logger
	routed func(context.Context, string) bool
	local  *localIssuer
	public *acmeIssuer
	// current gives the state in force, with the user's certificates as they are now.
	current func() *state
}

// base is what handshakes have without options.
func (c *chooser) base() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.certificate(hello, false)
		},
	}
}

// refuseAll is the configuration of hosts whose options are not known: to serve
// them without could let in who must show a certificate.
func (c *chooser) refuseAll(name string) *tls.Config {
	t := c.base()
	t.SessionTicketsDisabled = true // no session may be resumed
	t.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return c.rejectHandshake(hello, fmt.Sprintf("the TLS options %q are wrong or missing", name))
	}
	return t
}

// certificate is the one for a client; where the options are strict, only one for the host that
// it names.
func (c *chooser) certificate(hello *tls.ClientHelloInfo, strict bool) (*tls.Certificate, error) {
	s := c.current()
	host, err := hostname.Name(hello.ServerName)
	switch {
	case hello.ServerName == "":
		return c.nameless(hello, s, strict)
	case err != nil || host == "" || len(host) > maxName || isWildcard(host):
		return c.lastResort(hello, s, strict, fmt.Sprintf("%q is not a host name", hello.ServerName))
	}
	if found := c.ownOrPublic(hello, s, host); found != nil {
		return found, nil
	}
	permitted := c.root.permits(host)
	if !permitted && !strict {
		if found := c.fallback(hello, s); found != nil {
			return found, nil
		}
	}
	if c.routed(hello.Context(), host) {
		return c.local.certificate(host)
	}
	if permitted && !strict && s.fallback == nil && s.generated == nil {
		return c.local.certificate(host)
	}
	return c.lastResort(hello, s, strict, "no router asks for this host")
}

// ownOrPublic is a certificate for host of the user's own or by ACME, or nil.
func (c *chooser) ownOrPublic(hello *tls.ClientHelloInfo, s *state, host string) *tls.Certificate {
	if found := s.pairs.find(hello, host); found != nil {
		return found
	}
	if s.public[host] != nil {
		return c.public.find(hello, host)
	}
	return nil
}

// nameless is the certificate for a client that names no host: one that names the
// address which it has connected to. As in Traefik the user's default certificate comes
// before one that would be issued.
func (c *chooser) nameless(hello *tls.ClientHelloInfo, s *state, strict bool) (*tls.Certificate, error) {
	address := localAddress(hello)
	if found := s.pairs.find(hello, address); found != nil {
		return found, nil
	}
	if !strict && s.fallback == nil && s.generated == nil && c.root.permits(address) {
		return c.local.certificate(address)
	}
	return c.lastResort(hello, s, strict, "the client names no host")
}

// lastResort is the default certificate, unless the options are strict.
func (c *chooser) lastResort(hello *tls.ClientHelloInfo, s *state, strict bool, why string) (*tls.Certificate, error) {
	if strict {
		return c.rejectHandshake(hello, why)
	}
	if found := c.fallback(hello, s); found != nil {
		return found, nil
	}
	return c.local.certificate(defaultHost)
}

// fallback is the user's default certificate, or nil.
func (c *chooser) fallback(hello *tls.ClientHelloInfo, s *state) *tls.Certificate {
	switch {
	case s.fallback != nil:
		return s.fallback
	case s.generated == nil:
		return nil
	case s.public[s.generated.host] != nil:
		return c.public.find(hello, s.generated.host)
	}
	issued, err := c.local.certificate(s.generated.host)
	if err != nil {
		c.log.Warn("no default certificate", "error", err)
	}
	return issued
}

// localAddress is the address that the client has connected to, or empty.
func localAddress(hello *tls.ClientHelloInfo) string {
	if hello.Conn == nil {
		return ""
	}
	switch at := hello.Conn.LocalAddr().(type) {
	case *net.TCPAddr:
		return at.IP.String()
	case *net.UDPAddr:
		return at.IP.String()
	}
	return ""
}

// rejectHandshake returns no error: crypto/tls would then send the client an alert of an internal
// error. Where there is neither it sends unrecognized_name.
func (c *chooser) rejectHandshake(hello *tls.ClientHelloInfo, why string) (*tls.Certificate, error) {
	client := ""
	if hello.Conn != nil {
		client = hello.Conn.RemoteAddr().String()
	}
	c.log.Debug("handshake refused", "host", hello.ServerName, "client", client, "cause", why)
	return nil, nil
}
