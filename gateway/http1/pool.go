package http1

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/steady"
)

const readSize = 16 << 10

// pool keeps the unused connections of one server, the one used last first, so that
// those that are too many grow old.
type pool struct {
	client      *Client
	address     string
	limit       int
	idleTimeout time.Duration
	// unstable is until when the server counts as one that closes connections as soon as
	// they are unused, in Unix nanoseconds.
	unstable atomic.Int64

	mu     sync.Mutex
	idle   []*conn // oldest first
	timer  *time.Timer
	closed bool
}

// conn is a connection to a server. Its buffer is held only while it is in use.
type conn struct {
	net.Conn
	pool      *pool
	r         *bufio.Reader
	idleSince time.Time // when it became unused
	// lease is for how long the server keeps it unused; zero where it has not said.
	lease time.Duration
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readSize) }}

func newConn(c net.Conn, p *pool) *conn { return &conn{Conn: c, pool: p} }

// begin takes a buffer.
func (c *conn) begin() {
	c.r = readers.Get().(*bufio.Reader)
	c.r.Reset(c.Conn)
}

// end gives the buffer back.
func (c *conn) end() {
	if c.r != nil {
		c.r.Reset(nil)
		readers.Put(c.r)
		c.r = nil
	}
}

func (c *conn) close() {
	c.end()
	_ = c.Conn.Close()
}

// get gives the connection used last, and for how long it was not; nil where there is
// none. Those that the server is about to close are left out.
func (p *pool) get() (c *conn, unused time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.idle); n > 0; n = len(p.idle) {
		c = p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		if unused = time.Since(c.idleSince); c.lease <= 0 || unused < c.lease {
			return c, unused
		}
		_ = c.Conn.Close()
	}
	return nil, 0
}

const (
	// soon is how early after its last answer a server that keeps connections does not
	// close one.
	soon = time.Second
	// unstableTime is how long that is remembered of a server that did.
	unstableTime = 10 * time.Second
)

// lost notes that the server closed a connection that was unused for so long.
func (p *pool) lost(unused time.Duration) {
	if unused < soon {
		p.unstable.Store(steady.Now().Add(unstableTime).UnixNano())
	}
}

// keeps reports whether the server is one that keeps connections. To requests that
// cannot be sent again the others are a gamble.
func (p *pool) keeps() bool {
	until := p.unstable.Load()
	return until == 0 || steady.Now().UnixNano() >= until
}

// prune closes the connections that the server has closed. It is for when one of them
// has turned out to be: a server that restarts closes them all.
func (p *pool) prune() {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.idle[:0]
	for _, c := range p.idle {
		if c.isIdle() {
			kept = append(kept, c)
		} else {
			_ = c.Conn.Close()
		}
	}
	clear(p.idle[len(kept):])
	p.idle = kept
}

// put keeps a connection for the next request.
func (p *pool) put(c *conn) {
	c.end()
	p.mu.Lock()
	if p.closed || len(p.idle) >= p.limit {
		p.mu.Unlock()
		_ = c.Conn.Close()
		return
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	if p.timer == nil && p.idleTimeout > 0 {
		p.timer = time.AfterFunc(p.idleTimeout, p.sweep)
	}
	p.mu.Unlock()
}

// sweep closes those that were unused for too long.
func (p *pool) sweep() {
	p.mu.Lock()
	p.timer = nil
	n, now := 0, time.Now()
	for n < len(p.idle) && now.Sub(p.idle[n].idleSince) >= p.idleTimeout {
		n++
	}
	old := append([]*conn(nil), p.idle[:n]...)
	p.idle = append(p.idle[:0], p.idle[n:]...)
	if len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(p.idleTimeout-now.Sub(p.idle[0].idleSince), p.sweep)
	}
	p.mu.Unlock()
	for _, c := range old {
		_ = c.Conn.Close()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, c := range p.idle {
		_ = c.Conn.Close()
	}
	p.idle = nil
}
