package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/listen"
	"axion/gateway/rule"
)

// acmeTLS is the protocol of ACME's challenges (RFC 8737), which HTTPS answers.
const acmeTLS = "acme-tls/1"

// HostPriority is what an entrypoint's HTTPS routers want with a host.
type HostPriority int

const (
	// HostPriorityNone is a host that no HTTPS router takes.
	HostPriorityNone HostPriority = iota
	// HostPriorityAny says that an HTTPS router has a rule without Host. Its turn is after
	// TCP routers, but before HostSNI(`*`).
	HostPriorityAny
	// HostPriorityNamed says that the Host of an HTTPS router matches. As in Traefik its turn
	// is before all TCP routers with TLS.
	HostPriorityNamed
)

// MuxOptions of a [Mux].
type MuxOptions struct {
	// Table gives the one in force.
	Table func() *Table
	// TLS is for the handshake with a client that asks for host, by the TLS options
	// of that name; "" are the default ones. Where NextProtos is empty and the client
	// offers one protocol (RFC 7301), that one is agreed on: the server speaks it.
	TLS func(host, options string) (*tls.Config, error)
	// Secure reports whether there are HTTPS routers now. Nil means there are none.
	Secure func() bool
	// HTTPWants says what HTTPS routers want with a host, in lower case. Nil means
	// nothing.
	HTTPWants func(host string) HostPriority
	// ProxyProtocol gives who may speak it now. Nil, or what gives nil, means that
	// it is not spoken.
	ProxyProtocol func() *Peers
	// ACMEByPass reports whether TCP routers get ACME's handshakes that they ask for,
	// which otherwise HTTPS answers. Nil means that they do not.
	ACMEByPass func() bool
	// PeekTimeout is how long a client may take to say who it is. Nil means 10s.
	PeekTimeout func() time.Duration
	// Taken is notified of each connection that a TCP router takes, as it was accepted.
	// Nil means nobody is.
	Taken func(net.Conn)
	// Log receives failures. Nil discards.
	Log *slog.Logger
}

// Mux is a listener for HTTP, of the connections that TCP routers leave. Until
// there are any it adds nothing to the listener below; from the first router on
// connections are handed over by a goroutine. It is safe for concurrent use.
type Mux struct {
	net.Listener
	opts MuxOptions
	open atomic.Int64

	httpConns chan accepted
	pumping   sync.Once
	switched  atomic.Bool // pumping has begun

	// accepting ends with Close, serving with Shutdown.
	accepting, serving     context.Context
	endAccepting, endServe context.CancelFunc
	mu                     sync.Mutex // guards closed, and running against Wait
	closed                 bool
	running                sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

// NewMux takes over l. Close, and then Shutdown, must be called.
func NewMux(l net.Listener, opts MuxOptions) *Mux {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mux{Listener: l, opts: opts, httpConns: make(chan accepted)}
	m.accepting, m.endAccepting = context.WithCancel(context.Background())
	m.serving, m.endServe = context.WithCancel(context.Background())
	return m
}

// Accept waits for a connection that is left to HTTP.
func (m *Mux) Accept() (net.Conn, error) { return m.AcceptUntil(nil) }

// AcceptUntil is Accept, but ends with [net.ErrClosed] when done is closed too, where
// the listener below can be interrupted.
func (m *Mux) AcceptUntil(done <-chan struct{}) (net.Conn, error) {
	for !m.switched.Load() {
		c, err := listen.AcceptUntil(m.Listener, done)
		if err != nil {
			return nil, err
		}
		if m.idle() {
			return c, nil
		}
		m.pumping.Do(func() {
			m.switched.Store(true)
			m.begin(m.acceptLoop)
		})
		m.routeSoon(c) // not admit, which would wait for this very Accept
	}
	select {
	case a := <-m.httpConns:
		return a.conn, a.err
	case <-m.accepting.Done():
	case <-done:
	}
	return nil, net.ErrClosed
}

// idle reports whether every connection is HTTP's as it is.
func (m *Mux) idle() bool { return m.opts.Table().Empty() && m.peers() == nil }

func (m *Mux) peers() *Peers {
	if m.opts.ProxyProtocol == nil {
		return nil
	}
	return m.opts.ProxyProtocol()
}

// begin runs f in the background, unless the mux is closed.
func (m *Mux) begin(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.running.Go(f)
	}
	return !m.closed
}

// acceptLoop accepts in Accept's stead, which waits for what is left.
func (m *Mux) acceptLoop() {
	for {
		c, err := m.Listener.Accept()
		if err == nil {
			m.admit(c)
			continue
		}
		m.leave(accepted{err: err}) // waits until Accept asks, which may pause
		if m.accepting.Err() != nil {
			return
		}
		if errors.Is(err, net.ErrClosed) {
			m.endAccepting()
			return
		}
	}
}

// admit leaves c to HTTP, or finds out in the background whose it is.
func (m *Mux) admit(c net.Conn) {
	if m.idle() {
		m.leave(accepted{conn: c})
		return
	}
	m.routeSoon(c)
}

func (m *Mux) routeSoon(c net.Conn) {
	if !m.begin(func() { m.route(c) }) {
		_ = c.Close()
	}
}

// leave hands over to Accept.
func (m *Mux) leave(a accepted) {
	select {
	case m.httpConns <- a:
	case <-m.accepting.Done():
		if a.conn != nil {
			_ = a.conn.Close()
		}
	}
}

// route finds whose a connection is, and serves it where it is a TCP router's.
func (m *Mux) route(raw net.Conn) {
	c := &conn{Conn: raw}
	stop := context.AfterFunc(m.accepting, func() { _ = raw.Close() })
	r, s, err := m.find(c)
	if !stop() || err != nil {
		if err != nil {
			m.opts.Log.Debug("connection refused", "client", c.RemoteAddr(), "error", err)
		}
		_ = raw.Close()
		return
	}
	if r == nil {
		m.leave(accepted{conn: c.unwrap()})
		return
	}
	if m.opts.Taken != nil {
		m.opts.Taken(raw)
	}
	m.open.Add(1)
	defer m.open.Add(-1)
	m.serve(r, c, s)
}

// unwrap is c without a wrapper that does nothing.
func (c *conn) unwrap() net.Conn {
	if len(c.first) == 0 && c.remote == nil {
		return c.Conn
	}
	return c
}

// find is the route of a connection, nil where it is HTTP's. It reads no more than
// it has to: a client of a server that speaks first says nothing.
func (m *Mux) find(c *conn) (*route, clientHello, error) {
	if peers := m.peers(); peers != nil {
		if err := peers.readProxyHeader(c, m.peekTimeout()); err != nil {
			return nil, clientHello{}, err
		}
	}
	t := m.opts.Table()
	meta := &rule.TCPMeta{ClientIP: addressOf(c.RemoteAddr())}
	if len(t.secure) == 0 && !m.https() {
		return find(t.plain, meta), clientHello{}, nil
	}
	if t.Empty() {
		return nil, clientHello{}, nil
	}
	s, err := peekHello(c, len(t.secure) > 0, m.peekTimeout())
	if err != nil {
		return nil, s, err
	}
	meta.ServerName, meta.ALPN = s.name, s.alpn
	switch {
	case s.postgres:
		r := find(t.secure, meta)
		if r == nil || !s.tls {
			return nil, s, errors.New("a PostgreSQL client asks for TLS, and no TCP router takes it")
		}
		return r, s, nil
	case !s.tls:
		return find(t.plain, meta), s, nil
	}
	return m.secure(t, meta), s, nil
}

func (m *Mux) peekTimeout() time.Duration {
	if m.opts.PeekTimeout == nil {
		return peekTimeout
	}
	return m.opts.PeekTimeout()
}

func (m *Mux) https() bool { return m.opts.Secure != nil && m.opts.Secure() }

// secure is the route of a TLS connection, in Traefik's order: HTTPS routers that
// name the host, TCP routers, HTTPS routers that take any host, HostSNI(`*`).
func (m *Mux) secure(t *Table, meta *rule.TCPMeta) *route {
	if m.https() && slices.Contains(meta.ALPN, acmeTLS) && (m.opts.ACMEByPass == nil || !m.opts.ACMEByPass()) {
		return nil
	}
	claim := HostPriorityNone
	if m.opts.HTTPWants != nil {
		claim = m.opts.HTTPWants(meta.ServerName)
	}
	return t.findSecure(meta, claim)
}

// findSecure is the route of a TLS connection whose host HTTPS routers want as claim
// says.
func (t *Table) findSecure(meta *rule.TCPMeta, claim HostPriority) *route {
	if claim == HostPriorityNamed {
		return nil
	}
	r := find(t.secure, meta)
	if r != nil && claim == HostPriorityAny && r.rule.CatchAll() {
		return nil
	}
	return r
}

// Takes gives the name of the router that takes a connection, with TLS or without, of
// an entrypoint that has HTTPS routers or none, which want its host as claim says. It is
// empty where the connection is left to HTTP.
func (t *Table) Takes(meta *rule.TCPMeta, secure, https bool, claim HostPriority) string {
	r := find(t.plain, meta)
	if secure && (len(t.secure) > 0 || https) {
		r = t.findSecure(meta, claim)
	}
	if r == nil {
		return ""
	}
	return r.name
}

// Open counts the connections that TCP routers have taken and that go on.
func (m *Mux) Open() int { return int(m.open.Load()) }

// Close stops accepting, and ends the connections that are not routed yet. Those
// of TCP routers go on until [Mux.Shutdown].
func (m *Mux) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.endAccepting()
	return m.Listener.Close()
}

// Shutdown closes the mux and waits for the connections of TCP routers until ctx
// ends, whose error it then returns, having ended them.
func (m *Mux) Shutdown(ctx context.Context) error {
	_ = m.Close() // again, where the caller has: nothing may begin now
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.running.Wait()
	}()
	defer m.endServe()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		m.endServe()
		<-ended
		return ctx.Err()
	}
}
