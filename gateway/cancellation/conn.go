package cancellation

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

// Conn notes what became of the reads of a client's connection, before the server that
// reads it ends the contexts of its requests. The zero value is ready; it is safe for
// concurrent use.
type Conn struct{ state atomic.Int32 }

// The states of a Conn. The first that is an end stays, for the request or for good.
const (
	open        int32 = iota
	reading           // a body over HTTP/1 is to be read
	late              // it did not come in time
	interrupted       // it is not wanted
	left              // by the client
	closed            // by the server
)

type connKey struct{}

// WithConn gives the context of a connection whose reads c notes. Nil is for a request
// that is none of a connection's.
func WithConn(ctx context.Context, c *Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

func connOf(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}

// Begin begins a request over HTTP/1, before the deadline of its body is set.
func (c *Conn) Begin(body bool) {
	next := open
	if body {
		next = reading
	}
	for state := c.state.Load(); state < left && state != next; state = c.state.Load() {
		c.state.CompareAndSwap(state, next)
	}
}

// Complete ends what [Conn.Begin] began: the body was read to its end.
func (c *Conn) Complete() { c.state.CompareAndSwap(reading, open) }

// ReadFailed notes that a read of the connection failed. It is to be called before the
// reader is reported.
func (c *Conn) ReadFailed(err error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // others end no request
		c.state.CompareAndSwap(reading, late)
	case errors.Is(err, net.ErrClosed):
		c.end(closed)
	default:
		c.end(left)
	}
}

func (c *Conn) end(state int32) {
	if !c.state.CompareAndSwap(reading, state) {
		c.state.CompareAndSwap(open, state)
	}
}

func (c *Conn) cause() error {
	switch c.state.Load() {
	case late:
		return ErrBodyTimeout
	case interrupted:
		return ErrInterrupted
	case left:
		return context.Canceled
	case closed:
		return ErrStopping
	}
	return nil
}

// Interrupt is to be called before a read of the body that r's client sends is ended by
// a deadline, which over HTTP/1 ends r's context. It reports whether there may be such a
// read: else the deadline would meet what follows the body, and end the contexts of all
// later requests of the connection.
func Interrupt(r *http.Request) bool {
	c := connOf(r.Context())
	if c == nil || r.ProtoMajor != 1 {
		return true
	}
	c.state.CompareAndSwap(reading, interrupted)
	return c.state.Load() != open
}

// Interrupted reports whether [Interrupt] was called for r over HTTP/1. Its connection is
// not to be used for another request.
func Interrupted(r *http.Request) bool {
	c := connOf(r.Context())
	return c != nil && c.state.Load() == interrupted
}
