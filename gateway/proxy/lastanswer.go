package proxy

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

// lastAnswerConn lets an answer be read that a server gave before it reset the
// connection: net/http's client gives up at the first write that fails. Such a write
// counts as done; the reading, which a reset ends at once, says what became of it.
type lastAnswerConn struct {
	net.Conn
	ended atomic.Bool // a read has failed
}

// dialForAnswers has the connections of dial be such ones.
func dialForAnswers(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string,
	string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &lastAnswerConn{Conn: c}, nil
	}
}

// Read notes where there is nothing more to read.
func (c *lastAnswerConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

// Write fails only after a read has, or where the connection is not reset.
func (c *lastAnswerConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil && !c.ended.Load() && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)) {
		return len(p), nil
	}
	return n, err
}
