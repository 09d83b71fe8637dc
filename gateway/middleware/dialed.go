package middleware

import (
	"context"
	"net"
	"sync"

	"axion/gateway/dockerhost"
)

// dialed knows the connections that a transport has open, so that requests that
// come in by one of them are distinguished from others: they ask about themselves. The zero
// value is ready.
type dialed struct {
	local sync.Map               // by the address at this end
	check func(c net.Conn) error // a dockerhost.Dialer's, or nil
}

// dial is a transport's.
func (d *dialed) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&dockerhost.Dialer{Check: d.check}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	at := c.LocalAddr().String()
	d.local.Store(at, nil)
	return &dialedConn{Conn: c, forget: func() { d.local.Delete(at) }}, nil
}

// has reports whether a peer's address is this end of a connection.
func (d *dialed) has(remote string) bool {
	_, ok := d.local.Load(remote)
	return ok
}

type dialedConn struct {
	net.Conn
	forget func()
}

// Close forgets the connection first: its address may be another's at once.
func (c *dialedConn) Close() error {
	c.forget()
	return c.Conn.Close()
}
