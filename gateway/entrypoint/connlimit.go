package entrypoint

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/listen"
	"axion/gateway/respwriter"
)

const (
	// maxPerClient bounds the connections of one address that is not this machine.
	maxPerClient = 1024
	// defaultConns bounds all connections where the system does not say how many
	// files may be open.
	defaultConns = 65536
	// evictFraction is what part of the connections without a request makes room at once,
	// so that the search for them is rare.
	evictFraction = 32
)

// connLimiter bounds an entrypoint's connections. When there are too many, those that
// have waited longest for a request to come make room: a flood of idle ones does
// not keep others out.
type connLimiter struct {
	limit int
	idle  atomic.Int64 // counts how often a connection became idle

	mu      sync.Mutex
	conns   map[*limitedConn]struct{}
	clients map[netip.Addr]int // none of loopback
	closed  bool               // nobody is taken in any more
	log     *slog.Logger       // nil says nothing

	warnedAll, warnedClient time.Time // when each bound was logged last
}

// limitedConn is one connection.
type limitedConn struct {
	net.Conn
	limiter   *connLimiter
	addr      netip.Addr   // the zero Addr for loopback
	idleSince atomic.Int64 // its place in the order of becoming idle, from 1; 0 while it serves a request
	closed    atomic.Bool
	// linger says that the client may still be sending a body.
	linger    atomic.Bool
	reads     cancellation.Conn
	deadlines deadlines
}

var (
	_ net.Conn     = (*limitedConn)(nil)
	_ syscall.Conn = (*limitedConn)(nil)
)

// newConnLimiter takes in as many as limit. Log nil says nothing of bounds.
func newConnLimiter(limit int, log *slog.Logger) *connLimiter {
	return &connLimiter{limit: limit, log: log, conns: make(map[*limitedConn]struct{}), clients: make(map[netip.Addr]int)}
}

// acquire takes conn in, or closes it and returns nil.
func (c *connLimiter) acquire(conn net.Conn) *limitedConn {
	g := &limitedConn{Conn: conn, limiter: c}
	g.idleSince.Store(c.idle.Add(1))
	if addr, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil && !addr.Addr().Unmap().IsLoopback() {
		g.addr = clientPrefix(addr.Addr())
	}
	c.mu.Lock()
	var leaving []*limitedConn
	crowded := g.addr.IsValid() && c.clients[g.addr] >= maxPerClient
	full := c.closed || crowded
	if !full && len(c.conns) >= c.limit {
		leaving = c.oldestIdle()
		full = len(leaving) == 0
		c.warnHourly(&c.warnedAll, "too many connections: those without a request are closed", "limit", c.limit)
	}
	if crowded && !c.closed {
		c.warnHourly(&c.warnedClient, "connections are refused: one address has too many", "client", g.addr, "limit", maxPerClient)
	}
	if !full {
		c.conns[g] = struct{}{}
		if g.addr.IsValid() {
			c.clients[g.addr]++
		}
	}
	c.mu.Unlock()
	for _, l := range leaving {
		_ = l.Close()
	}
	if full {
		_ = conn.Close()
		return nil
	}
	return g
}

// warnHourly logs a bound that is met, once an hour for each kind. The caller holds mu.
func (c *connLimiter) warnHourly(said *time.Time, what string, args ...any) {
	if now := time.Now(); c.log != nil && now.Sub(*said) >= time.Hour {
		*said = now
		c.log.Warn(what, args...)
	}
}

// clientPrefix is whom an address belongs to: in IPv6 a client has a whole /64.
func clientPrefix(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// oldestIdle are those that are to go. The caller holds mu.
func (c *connLimiter) oldestIdle() []*limitedConn {
	var idle []*limitedConn
	since := make(map[*limitedConn]int64)
	for g := range c.conns {
		if at := g.idleSince.Load(); at != 0 {
			idle = append(idle, g)
			since[g] = at
		}
	}
	slices.SortFunc(idle, func(a, b *limitedConn) int { return cmp.Compare(since[a], since[b]) })
	return idle[:min(len(idle), 1+c.limit/evictFraction)]
}

// closeIdle ends the connections that wait for a request. One that was accepted
// but has not entered yet will not: nobody would end it.
func (c *connLimiter) closeIdle() {
	c.mu.Lock()
	c.closed = true
	var idle []*limitedConn
	for g := range c.conns {
		if g.idleSince.Load() != 0 {
			idle = append(idle, g)
		}
	}
	c.mu.Unlock()
	for _, g := range idle {
		_ = g.Close()
	}
}

// lingerTimeout is how long a client may take to stop sending a body that is not wanted.
const lingerTimeout = 2 * time.Second

// Read reports a failure before net/http, which ends the contexts of requests for any.
func (g *limitedConn) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if err != nil {
		g.reads.ReadFailed(err)
	}
	return n, err
}

// Reads is what became of the reads.
func (g *limitedConn) Reads() *cancellation.Conn { return &g.reads }

// Linger has Close wait for the client to end its side, until the next request has come.
func (g *limitedConn) Linger() { g.linger.Store(true) }

// lingerRead ends the side towards the client, and reads what that has sent until it ends the
// other, or long enough: data that nobody has read resets a connection that is closed.
func (g *limitedConn) lingerRead() {
	half, ok := g.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = g.SetReadDeadline(time.Now().Add(lingerTimeout))
	_, _ = io.Copy(io.Discard, g.Conn) // it is over either way
}

// Close ends the connection; later calls do nothing.
func (g *limitedConn) Close() error {
	if g.closed.Swap(true) {
		return nil
	}
	g.limiter.mu.Lock()
	lingers := g.linger.Load() && !g.limiter.closed
	g.limiter.mu.Unlock()
	if lingers {
		g.lingerRead()
	}
	g.limiter.mu.Lock()
	delete(g.limiter.conns, g)
	if g.addr.IsValid() {
		if g.limiter.clients[g.addr]--; g.limiter.clients[g.addr] == 0 {
			delete(g.limiter.clients, g.addr)
		}
	}
	g.limiter.mu.Unlock()
	return g.Conn.Close()
}

// ReadFrom copies by the connection below, which has the kernel do it where it can.
func (g *limitedConn) ReadFrom(r io.Reader) (int64, error) { return respwriter.ReadFrom(g.Conn, r) }

// NetConn is the connection below.
func (g *limitedConn) NetConn() net.Conn { return g.Conn }

// SyscallConn is the connection's file, by which a tunnel waits without a buffer.
func (g *limitedConn) SyscallConn() (syscall.RawConn, error) {
	if c, ok := g.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// trackState is a server's ConnState.
func trackState(c net.Conn, state http.ConnState) {
	for {
		if g, ok := c.(*limitedConn); ok {
			if state == http.StateIdle {
				g.linger.Store(false)
				g.idleSince.Store(g.limiter.idle.Add(1))
			} else if state != http.StateNew {
				g.idleSince.Store(0)
			}
			return
		}
		below, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return
		}
		c = below.NetConn()
	}
}

// limitedListener counts each connection in.
type limitedListener struct {
	listen.Interruptible
	limiter *connLimiter
}

// Accept passes over connections for which there is no room.
func (l limitedListener) Accept() (net.Conn, error) { return l.AcceptUntil(nil) }

// AcceptUntil is Accept that ends when done is closed.
func (l limitedListener) AcceptUntil(done <-chan struct{}) (net.Conn, error) {
	for {
		c, err := l.Interruptible.AcceptUntil(done)
		if err != nil {
			return nil, err
		}
		if g := l.limiter.acquire(c); g != nil {
			return g, nil
		}
	}
}

// count is how many are open.
func (c *connLimiter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}
