package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"time"

	"github.com/pires/go-proxyproto"

	"axion/gateway/config"
	"axion/gateway/dockerhost"
	"axion/gateway/hint"
	"axion/gateway/probe"
)

const (
	dialTimeout      = 30 * time.Second
	dialKeepAlive    = 15 * time.Second
	terminationDelay = 100 * time.Millisecond
)

// transport is a servers' transport as built, or why it could not be.
type transport struct {
	config config.TCPServersTransport // without origin
	tls    *tls.Config
	err    error
}

// dialer connects to the servers of one service.
type dialer struct {
	net     dockerhost.Dialer
	tls     *tls.Config
	version byte          // of the PROXY protocol; 0 means none is spoken
	delay   time.Duration // how long a half-closed connection goes on; negative means for ever
}

// transport builds the servers' transport of that name once; the default one's is
// empty.
func (b *builder) transport(name string) *transport {
	if t, ok := b.transports[name]; ok {
		return t
	}
	c, ok := b.config.ServersTransports[name]
	switch {
	case name == "":
		c = &config.TCPServersTransport{}
	case !ok:
		return &transport{err: hint.With(fmt.Errorf("the serversTransport %q does not exist", name),
			config.DidYouMean(name, b.config.ServersTransports))}
	}
	t := &transport{config: *c}
	t.config.Origin = config.Origin{}
	if was := b.old.transports[name]; was != nil && was.err == nil && reflect.DeepEqual(was.config, t.config) {
		t = was
	} else if t.tls, t.err = clientTLS(c.TLS); t.err != nil {
		t.err = fmt.Errorf("the serversTransport %q: tls.%w", name, t.err)
	}
	b.transports[name] = t
	return t
}

// dialer is for the servers of c. As in Traefik, a transport that is named decides
// on the PROXY protocol and the termination delay; else the service does.
func (t *transport) dialer(c *config.TCPLoadBalancer) (*dialer, error) {
	d := &dialer{
		net:   dockerhost.Dialer{Dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: dialKeepAlive}},
		tls:   t.tls,
		delay: terminationDelay,
	}
	if v := t.config.DialTimeout; v != nil {
		d.net.Timeout = time.Duration(*v)
	}
	if v := t.config.DialKeepAlive; v != nil {
		d.net.KeepAlive = time.Duration(*v)
	}
	protocol := c.ProxyProtocol
	if c.ServersTransport != "" {
		protocol = t.config.ProxyProtocol
		if v := t.config.TerminationDelay; v != nil {
			d.delay = time.Duration(*v)
		}
	} else if v := c.TerminationDelay; v != nil {
		d.delay = time.Duration(*v) * time.Millisecond
	}
	if protocol == nil {
		return d, nil
	}
	if protocol.Version < 0 || protocol.Version > 2 {
		return nil, hint.With(fmt.Errorf("proxyprotocol.version %d is neither 1 nor 2", protocol.Version), "write 1 or 2")
	}
	if d.version = byte(protocol.Version); d.version == 0 {
		d.version = 2
	}
	return d, nil
}

// dial connects to a server on behalf of client, of which the server is informed by
// the PROXY protocol; nil means the gateway itself.
func (d *dialer) dial(ctx context.Context, address string, secure bool, client net.Conn) (net.Conn, error) {
	if d.net.Timeout > 0 { // for all steps
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.net.Timeout)
		defer cancel()
	}
	conn, err := d.net.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if d.version > 0 {
		if err := d.writeProxyHeader(ctx, conn, client); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("PROXY protocol: %w", err)
		}
	}
	if !secure {
		return conn, nil
	}
	t := tls.Client(conn, d.serverTLS(address))
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return t, nil
}

// writeProxyHeader sends the server who the client is.
func (d *dialer) writeProxyHeader(ctx context.Context, conn, client net.Conn) error {
	var from, to net.Addr
	if client != nil {
		from, to = client.RemoteAddr(), client.LocalAddr()
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetWriteDeadline(deadline)
	if _, err := proxyproto.HeaderProxyFromAddrs(d.version, from, to).WriteTo(conn); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}

// serverTLS is for a handshake with the server at address.
func (d *dialer) serverTLS(address string) *tls.Config {
	if d.tls.ServerName != "" {
		return d.tls
	}
	c := d.tls.Clone()
	if host, _, err := net.SplitHostPort(address); err == nil {
		c.ServerName = host
	}
	return c
}

// errNoServer says that none of a service's servers is up.
var errNoServer = errors.New("no server is up")

// dial connects to a server of s whose turn it is, or where it cannot be reached
// to the next: nothing was sent yet. No server is tried twice. Those that are down are
// asked whether they still are, and waited for a moment where all of them are.
func (s *service) dial(ctx context.Context, client net.Conn) (net.Conn, *dialer, error) {
	var tried []*server
	var failures []error
	down := s.down(nil)
	for {
		at := s.pick(tried)
		switch {
		case at != nil:
			probeSoon(down)
		case len(down) > 0 && probe.Wait(ctx, down, func() bool { return s.has(tried) }):
			at, down = s.pick(tried), nil
		}
		if at == nil {
			if len(failures) == 0 {
				return nil, nil, errNoServer
			}
			return nil, nil, errors.Join(failures...)
		}
		conn, err := at.way.dial(ctx, at.address, at.tls, client)
		if err == nil {
			return conn, at.way, nil
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if at.check != nil {
			at.check.Recheck()
		}
		tried = append(tried, at)
		failures = append(failures, err)
	}
}

// down are the loops that ask those servers of s that are down.
func (s *service) down(list []*probe.Loop) []*probe.Loop {
	if s.balancer != nil {
		for _, at := range s.balancer.servers {
			if at.check != nil && !at.up() {
				list = append(list, at.check)
			}
		}
	}
	for _, c := range s.children {
		list = c.down(list)
	}
	return list
}

func probeSoon(loops []*probe.Loop) {
	for _, l := range loops {
		l.ProbeSoon()
	}
}
