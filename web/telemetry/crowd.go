package telemetry

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is a listener that bounds its connections: where one more comes in, the one that
// has been silent for the longest is closed. To let the new one wait would be for long,
// since senders keep theirs open between what they send. It is safe for concurrent use.
type crowd struct {
	net.Listener
	limit int

	mu   sync.Mutex
	open map[*guest]struct{}
}

// guest is a connection of a [crowd].
type guest struct {
	net.Conn
	crowd *crowd
	heard atomic.Int64 // when it was last read from, in Unix nanoseconds
}

func newCrowd(l net.Listener, limit int) *crowd {
	return &crowd{Listener: l, limit: limit, open: map[*guest]struct{}{}}
}

// Accept implements [net.Listener].
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, crowd: c}
	g.heard.Store(time.Now().UnixNano())
	if silent := c.enter(g); silent != nil {
		_ = silent.Close()
	}
	return g, nil
}

// enter takes g in, and gives the connection that has to go for it, or nil.
func (c *crowd) enter(g *guest) (silent *guest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.limit {
		for one := range c.open {
			if silent == nil || one.heard.Load() < silent.heard.Load() {
				silent = one
			}
		}
		delete(c.open, silent)
	}
	c.open[g] = struct{}{}
	return silent
}

// Read implements [net.Conn].
func (g *guest) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if n > 0 {
		g.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// Close implements [net.Conn].
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	delete(g.crowd.open, g)
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}
