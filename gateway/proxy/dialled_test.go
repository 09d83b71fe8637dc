package proxy_test

import (
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// dialled are the connections that a proxy opened to a server.
type dialled struct {
	mu  sync.Mutex
	all []net.Conn
}

// add is a look at a new connection, which finds nothing wrong with it.
func (d *dialled) add(c net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, c)
	return nil
}

// untilClosed waits until the client has closed them all: net/http's learns by itself that
// the server did.
func (d *dialled) untilClosed(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for end := time.Now().Add(patience); len(d.all) > 0; <-time.After(time.Millisecond) {
		raw, err := d.all[0].(syscall.Conn).SyscallConn()
		if err == nil {
			err = raw.Control(func(uintptr) {})
		}
		if err != nil { // it is closed
			d.all = d.all[1:]
		} else if time.Now().After(end) {
			t.Fatal("the client keeps a connection that the server has closed")
		}
	}
}
