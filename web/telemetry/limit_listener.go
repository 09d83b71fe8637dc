package telemetry

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// limitListener is a listener that bounds its connections: where one more comes in, the
// one that has been silent for the longest is closed. To let the new one wait would be
// for long, since senders keep theirs open between what they send. It is safe for
// concurrent use.
type limitListener struct {
	net.Listener
	limit int

	mu   sync.Mutex
	open map[*limitedConn]struct{}
}

// limitedConn is a connection of a [limitListener].
type limitedConn struct {
	net.Conn
	from     *limitListener
	lastRead atomic.Int64 // when it was last read from, in Unix nanoseconds
}

func limitConnections(l net.Listener, limit int) *limitListener {
	return &limitListener{Listener: l, limit: limit, open: map[*limitedConn]struct{}{}}
}

// Accept implements [net.Listener].
func (l *limitListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{Conn: conn, from: l}
	c.lastRead.Store(time.Now().UnixNano())
	if silent := l.enter(c); silent != nil {
		_ = silent.Close()
	}
	return c, nil
}

// enter takes c in, and gives the connection that has to go for it, or nil.
func (l *limitListener) enter(c *limitedConn) (silent *limitedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= l.limit {
		for one := range l.open {
			if silent == nil || one.lastRead.Load() < silent.lastRead.Load() {
				silent = one
			}
		}
		delete(l.open, silent)
	}
	l.open[c] = struct{}{}
	return silent
}

// Read implements [net.Conn].
func (c *limitedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.lastRead.Store(time.Now().UnixNano())
	}
	return n, err
}

// Close implements [net.Conn].
func (c *limitedConn) Close() error {
	c.from.mu.Lock()
	delete(c.from.open, c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}
