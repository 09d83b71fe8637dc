package entrypoint

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// movedConn counts how often its deadlines are set.
type movedConn struct {
	net.Conn
	reads, writes int
}

func (c *movedConn) SetReadDeadline(t time.Time) error {
	c.reads++
	return c.Conn.SetReadDeadline(t)
}

func (c *movedConn) SetWriteDeadline(t time.Time) error {
	c.writes++
	return c.Conn.SetWriteDeadline(t)
}

// TestDeadlines has those count that were set last, and those cost nothing that are taken
// back without being set.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		defer client.Close()
		below := &movedConn{Conn: server}
		g := &limitedConn{Conn: below, limiter: newConnLimiter(1, nil)}
		defer g.Close()
		sides := map[string]struct {
			set func(time.Time) error
			do  func([]byte) (int, error) // nobody is at the other end
		}{
			"read": {g.SetReadDeadline, g.Read}, "write": {g.SetWriteDeadline, g.Write},
			"both, read": {g.SetDeadline, g.Read}, "both, write": {g.SetDeadline, g.Write},
		}
		for name, side := range sides {
			for range 2 {
				below.reads, below.writes = 0, 0
				for range 3 {
					_ = side.set(time.Time{})
				}
				if below.reads+below.writes > 0 {
					t.Errorf("%s: got %d and %d deadlines that were taken back without being set", name, below.reads, below.writes)
				}
				_ = side.set(time.Now().Add(time.Minute))
				_ = side.set(time.Now().Add(time.Second))
				if _, err := side.do(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: got %v, want that it is late", name, err)
				}
				_ = side.set(time.Time{})
				done := make(chan error, 1)
				go func() {
					_, err := side.do(make([]byte, 1))
					done <- err
				}()
				time.Sleep(time.Hour)
				select {
				case err := <-done:
					t.Errorf("%s: got %v without a deadline", name, err)
				default:
				}
				_ = side.set(time.Unix(1, 0)) // as net/http interrupts
				if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: got %v, want that it was interrupted", name, err)
				}
				_ = side.set(time.Time{})
			}
		}
	})
}
