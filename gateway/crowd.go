package gateway

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
	"axion/gateway/record"
)

const (
	// maxPerClient bounds the connections of one address that is not this machine.
	maxPerClient = 1024
	// defaultConns bounds all connections where the system does not say how many
	// files may be open.
	defaultConns = 65536
	// spare is what part of the connections without a request makes room at once,
	// so that the search for them is rare.
	spare = 32
)

// crowd bounds an entrypoint's connections. When there are too many, those that
// have waited longest for a request to come make room: a flood of idle ones does
// not keep others out.
type crowd struct {
	limit int
	idle  atomic.Int64 // counts how often a connection became idle

	mu      sync.Mutex
	guests  map[*guest]struct{}
	clients map[netip.Addr]int // none of loopback
	closed  bool               // nobody is taken in any more
	log     *slog.Logger       // nil says nothing

	saidAll, saidClient time.Time // when each bound was logged last
}

// guest is one connection.
type guest struct {
	net.Conn
	crowd *crowd
	addr  netip.Addr   // the zero Addr for loopback
	since atomic.Int64 // its place in the order of becoming idle, from 1; 0 while it serves a request
	gone  atomic.Bool
	// linger says that the client may still be sending a body.
	linger    atomic.Bool
	reads     cancellation.Conn
	deadlines deadlines
}

var (
	_ net.Conn     = (*guest)(nil)
	_ syscall.Conn = (*guest)(nil)
)

// newCrowd takes in as many as limit. Log nil says nothing of bounds.
func newCrowd(limit int, log *slog.Logger) *crowd {
	return &crowd{limit: limit, log: log, guests: make(map[*guest]struct{}), clients: make(map[netip.Addr]int)}
}

// enter takes conn in, or closes it and returns nil.
func (c *crowd) enter(conn net.Conn) *guest {
	g := &guest{Conn: conn, crowd: c}
	g.since.Store(c.idle.Add(1))
	if addr, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil && !addr.Addr().Unmap().IsLoopback() {
		g.addr = household(addr.Addr())
	}
	c.mu.Lock()
	var leaving []*guest
	crowded := g.addr.IsValid() && c.clients[g.addr] >= maxPerClient
	full := c.closed || crowded
	if !full && len(c.guests) >= c.limit {
		leaving = c.longestIdle()
		full = len(leaving) == 0
		c.name(&c.saidAll, "too many connections: those without a request are closed", "limit", c.limit)
	}
	if crowded && !c.closed {
		c.name(&c.saidClient, "connections are refused: one address has too many", "client", g.addr, "limit", maxPerClient)
	}
	if !full {
		c.guests[g] = struct{}{}
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

// name logs a bound that is met, once an hour for each kind. The caller holds mu.
func (c *crowd) name(said *time.Time, what string, args ...any) {
	if now := time.Now(); c.log != nil && now.Sub(*said) >= time.Hour {
		*said = now
		c.log.Warn(what, args...)
	}
}

// household is whom an address belongs to: in IPv6 a client has a whole /64.
func household(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// longestIdle are those that are to go. The caller holds mu.
func (c *crowd) longestIdle() []*guest {
	var idle []*guest
	since := make(map[*guest]int64)
	for g := range c.guests {
		if at := g.since.Load(); at != 0 {
			idle = append(idle, g)
			since[g] = at
		}
	}
	slices.SortFunc(idle, func(a, b *guest) int { return cmp.Compare(since[a], since[b]) })
	return idle[:min(len(idle), 1+c.limit/spare)]
}

// closeSilent ends the connections that wait for a request. One that was accepted
// but has not entered yet will not: nobody would end it.
func (c *crowd) closeSilent() {
	c.mu.Lock()
	c.closed = true
	var idle []*guest
	for g := range c.guests {
		if g.since.Load() != 0 {
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

// Read tells of a failure before net/http, which ends the contexts of requests for any.
func (g *guest) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if err != nil {
		g.reads.ReadFailed(err)
	}
	return n, err
}

// Reads is what became of the reads.
func (g *guest) Reads() *cancellation.Conn { return &g.reads }

// Linger has Close wait for the client to end its side, until the next request has come.
func (g *guest) Linger() { g.linger.Store(true) }

// drain ends the side towards the client, and reads what that has sent until it ends the
// other, or long enough: data that nobody has read resets a connection that is closed.
func (g *guest) drain() {
	half, ok := g.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = g.SetReadDeadline(time.Now().Add(lingerTimeout))
	_, _ = io.Copy(io.Discard, g.Conn) // it is over either way
}

// Close ends the connection; later calls do nothing.
func (g *guest) Close() error {
	if g.gone.Swap(true) {
		return nil
	}
	g.crowd.mu.Lock()
	lingers := g.linger.Load() && !g.crowd.closed
	g.crowd.mu.Unlock()
	if lingers {
		g.drain()
	}
	g.crowd.mu.Lock()
	delete(g.crowd.guests, g)
	if g.addr.IsValid() {
		if g.crowd.clients[g.addr]--; g.crowd.clients[g.addr] == 0 {
			delete(g.crowd.clients, g.addr)
		}
	}
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}

// ReadFrom copies by the connection below, which has the kernel do it where it can.
func (g *guest) ReadFrom(r io.Reader) (int64, error) { return record.ReadFrom(g.Conn, r) }

// NetConn is the connection below.
func (g *guest) NetConn() net.Conn { return g.Conn }

// SyscallConn is the connection's file, by which a tunnel waits without a buffer.
func (g *guest) SyscallConn() (syscall.RawConn, error) {
	if c, ok := g.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// track is a server's ConnState.
func track(c net.Conn, state http.ConnState) {
	for {
		if g, ok := c.(*guest); ok {
			if state == http.StateIdle {
				g.linger.Store(false)
				g.since.Store(g.crowd.idle.Add(1))
			} else if state != http.StateNew {
				g.since.Store(0)
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

// crowdListener takes each connection into the crowd.
type crowdListener struct {
	listen.Interruptible
	crowd *crowd
}

// Accept passes over connections for which there is no room.
func (l crowdListener) Accept() (net.Conn, error) { return l.AcceptUntil(nil) }

// AcceptUntil is Accept that ends when done is closed.
func (l crowdListener) AcceptUntil(done <-chan struct{}) (net.Conn, error) {
	for {
		c, err := l.Interruptible.AcceptUntil(done)
		if err != nil {
			return nil, err
		}
		if g := l.crowd.enter(c); g != nil {
			return g, nil
		}
	}
}
