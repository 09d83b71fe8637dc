package listen

import (
	"net"
	"sync"
)

// Interruptible is a listener whose Accept can be ended without closing it. It is
// safe for concurrent use, by several that accept too.
type Interruptible interface {
	net.Listener
	// AcceptUntil is Accept, but ends with [net.ErrClosed] when done is closed. Nil is
	// never closed.
	AcceptUntil(done <-chan struct{}) (net.Conn, error)
}

// Interrupt makes l interruptible, by a goroutine that accepts, unless it is already.
// Closing what it returns closes l.
func Interrupt(l net.Listener) Interruptible {
	if i, ok := l.(Interruptible); ok {
		return i
	}
	return merge(l)
}

// AcceptUntil accepts from l, until done is closed where l can be interrupted.
func AcceptUntil(l net.Listener, done <-chan struct{}) (net.Conn, error) {
	if i, ok := l.(Interruptible); ok {
		return i.AcceptUntil(done)
	}
	return l.Accept()
}

// Lease is the use of a listener by one server: closing it leaves the listener open,
// for another. Nothing that was accepted is lost.
func Lease(l Interruptible) net.Listener { return &lease{Interruptible: l, done: make(chan struct{})} }

type lease struct {
	Interruptible
	done chan struct{}
	once sync.Once
}

// Accept gives the listener's next connection.
func (l *lease) Accept() (net.Conn, error) { return l.AcceptUntil(l.done) }

// Close ends Accept.
func (l *lease) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		close(l.done)
		err = nil
	})
	return err
}
