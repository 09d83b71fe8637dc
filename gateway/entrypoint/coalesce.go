package entrypoint

import (
	"net"
	"runtime"
	"sync"
	"syscall"

	"axion/gateway/tunnel"
)

const (
	// directWriteSize is the size from which a write goes out by itself: copying it would
	// cost more than the system call that is saved.
	directWriteSize = 4 << 10
	// maxPending is how much waits at most for one connection, in bytes.
	maxPending = 32 << 10
)

// coalescingConn joins the many small writes of an HTTP/2 connection: Go's server writes
// each frame apart, and what leaves within one turn of the scheduler can leave at
// once. It stands below TLS. Until start is called it only passes writes on.
//
// A failed write is returned by the next one. Close sends what waits.
type coalescingConn struct {
	net.Conn
	socket *net.TCPConn // at the bottom of Conn; nil where there is none

	mu      sync.Mutex
	room    sync.Cond // signalled when waiting was sent
	on      bool
	pending []byte // nil while idle: a buffer would cost more than all else
	sending bool   // a flush is on its way
	err     error
	closed  bool
	// out orders the writes to Conn. It is taken before mu.
	out sync.Mutex
}

var coalesceBuffers = sync.Pool{New: func() any { b := make([]byte, 0, maxPending); return &b }}

func newCoalescingConn(c net.Conn) *coalescingConn {
	b := &coalescingConn{Conn: c, socket: tunnel.Socket(c)}
	b.room.L = &b.mu
	return b
}

// start begins to join writes.
func (b *coalescingConn) start() {
	b.mu.Lock()
	b.on = true
	b.mu.Unlock()
}

func (b *coalescingConn) Write(p []byte) (int, error) {
	b.mu.Lock()
	if !b.on {
		b.mu.Unlock()
		return b.Conn.Write(p)
	}
	for len(b.pending)+len(p) > maxPending && len(b.pending) > 0 && b.err == nil && !b.closed {
		b.room.Wait()
	}
	switch {
	case b.err != nil:
		err := b.err
		b.mu.Unlock()
		return 0, err
	case b.closed:
		b.mu.Unlock()
		return 0, net.ErrClosed
	case len(p) >= directWriteSize:
		b.mu.Unlock()
		return b.writeDirect(p)
	}
	if b.pending == nil {
		b.pending = (*coalesceBuffers.Get().(*[]byte))[:0]
	}
	b.pending = append(b.pending, p...)
	if !b.sending {
		b.sending = true
		go b.flushLater()
	}
	b.mu.Unlock()
	return len(p), nil
}

// writeDirect sends what waits, and p after it, by one system call.
func (b *coalescingConn) writeDirect(p []byte) (int, error) {
	b.out.Lock()
	defer b.out.Unlock()
	waiting, err := b.takePending()
	if err != nil {
		return 0, err
	}
	if waiting == nil {
		return b.Conn.Write(p)
	}
	defer giveBack(waiting)
	if b.socket == nil {
		if _, err := b.Conn.Write(waiting); err != nil {
			return 0, err
		}
		return b.Conn.Write(p)
	}
	n, err := (&net.Buffers{waiting, p}).WriteTo(b.socket)
	return max(int(n)-len(waiting), 0), err
}

// takePending gives what waits, nil for nothing, or the error of an earlier write.
func (b *coalescingConn) takePending() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pending
	b.pending = nil
	b.room.Broadcast()
	return p, b.err
}

func giveBack(p []byte) {
	p = p[:0]
	coalesceBuffers.Put(&p)
}

// flushLater lets the goroutines that are about to write do so first.
func (b *coalescingConn) flushLater() {
	runtime.Gosched()
	b.out.Lock()
	defer b.out.Unlock()
	b.mu.Lock()
	b.sending = false
	b.mu.Unlock()
	_ = b.send() // returned by the next write
}

// send writes what waits. The caller holds out.
func (b *coalescingConn) send() error {
	p, err := b.takePending()
	if p == nil || err != nil {
		return err
	}
	_, err = b.Conn.Write(p)
	giveBack(p)
	if err != nil {
		b.mu.Lock()
		b.err = err
		b.room.Broadcast()
		b.mu.Unlock()
	}
	return err
}

// Close sends what waits and closes the connection. A write that is stuck does not
// keep it open.
func (b *coalescingConn) Close() error {
	b.mu.Lock()
	b.closed = true
	b.room.Broadcast()
	b.mu.Unlock()
	if b.out.TryLock() {
		_ = b.send()
		b.out.Unlock()
	}
	return b.Conn.Close()
}

// NetConn is the connection below.
func (b *coalescingConn) NetConn() net.Conn { return b.Conn }

// SyscallConn is the file of the connection below.
func (b *coalescingConn) SyscallConn() (syscall.RawConn, error) {
	c, ok := b.Conn.(syscall.Conn)
	if !ok {
		return nil, syscall.EINVAL
	}
	return c.SyscallConn()
}

// coalescingListener makes each connection one whose writes can be joined.
type coalescingListener struct{ net.Listener }

// Accept wraps the connection.
func (l coalescingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newCoalescingConn(c), nil
}
