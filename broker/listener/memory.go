package listener

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// memory accepts connections from this process. What goes over them costs no system
// call, and is copied once.
type memory struct {
	accepted chan net.Conn
	done     chan struct{}
	closing  sync.Once
}

var _ net.Listener = (*memory)(nil)

func newMemory() *memory {
	return &memory{accepted: make(chan net.Conn), done: make(chan struct{})}
}

// Accept implements [net.Listener].
func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.accepted:
		return conn, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

// dial is [Shared.Dial].
func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.accepted <- &memoryConn{Conn: server}:
		return &memoryConn{Conn: client}, nil
	case <-m.done:
		return nil, memoryError("dial", "connect", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements [net.Listener].
func (m *memory) Close() error {
	m.closing.Do(func() { close(m.done) })
	return nil
}

// Addr implements [net.Listener].
func (*memory) Addr() net.Addr { return memoryAddr{} }

// memoryError is an error of a system call, as of a TCP connection.
func memoryError(op, call string, err error) error {
	return &net.OpError{Op: op, Net: memoryAddr{}.Network(), Addr: memoryAddr{}, Err: os.NewSyscallError(call, err)}
}

// IsMemory reports whether conn goes through memory.
func IsMemory(conn net.Conn) bool {
	_, ok := conn.(*memoryConn)
	return ok
}

// memoryConn ends as a TCP connection does: clients see from the error whether to
// try again.
type memoryConn struct {
	net.Conn
	used atomic.Bool // something was read
}

// Read implements [net.Conn].
func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch {
	case n > 0:
		c.used.Store(true)
	case errors.Is(err, io.EOF) && !c.used.Load(): // see Refuse
		err = memoryError("read", "read", syscall.ECONNRESET)
	}
	return n, closedError(err)
}

// Write implements [net.Conn].
func (c *memoryConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, closedError(err)
}

// closedError is the error of a closed pipe as that of a closed connection.
func closedError(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return net.ErrClosed
	}
	return err
}

// LocalAddr implements [net.Conn].
func (*memoryConn) LocalAddr() net.Addr { return memoryAddr{} }

// RemoteAddr implements [net.Conn].
func (*memoryConn) RemoteAddr() net.Addr { return memoryAddr{} }

// memoryAddr is the address of such a client.
type memoryAddr struct{}

// Network implements [net.Addr].
func (memoryAddr) Network() string { return "memory" }

// String implements [net.Addr].
func (memoryAddr) String() string { return "memory" }
