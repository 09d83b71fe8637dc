package entrypoint

import (
	"sync"
	"time"
)

// deadlines are which of a connection's are set. Net/http takes both back at each
// request, set or not: that goes no further where they are not.
type deadlines struct {
	mu          sync.Mutex
	read, write bool
}

// change sets one of the deadlines by set, unless that changes nothing.
func (d *deadlines) change(is *bool, t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !*is && t.IsZero() {
		return nil
	}
	*is = !t.IsZero()
	return set(t)
}

// SetDeadline sets both deadlines.
func (g *limitedConn) SetDeadline(t time.Time) error {
	if err := g.SetReadDeadline(t); err != nil {
		return err
	}
	return g.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of reads.
func (g *limitedConn) SetReadDeadline(t time.Time) error {
	return g.deadlines.change(&g.deadlines.read, t, g.Conn.SetReadDeadline)
}

// SetWriteDeadline sets the deadline of writes.
func (g *limitedConn) SetWriteDeadline(t time.Time) error {
	return g.deadlines.change(&g.deadlines.write, t, g.Conn.SetWriteDeadline)
}
