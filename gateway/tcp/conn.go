package tcp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// conn is a connection of which the first bytes were read, or whose peer said
// the client that it speaks for.
type conn struct {
	net.Conn
	first         []byte // to be read before the rest
	remote, local net.Addr
}

var (
	_ net.Conn     = (*conn)(nil)
	_ syscall.Conn = (*conn)(nil)
)

func (c *conn) Read(p []byte) (int, error) {
	if len(c.first) > 0 && len(p) > 0 {
		n := copy(p, c.first)
		if c.first = c.first[n:]; len(c.first) == 0 {
			c.first = nil // frees it
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// RemoteAddr is the client's address.
func (c *conn) RemoteAddr() net.Addr {
	if c.remote != nil {
		return c.remote
	}
	return c.Conn.RemoteAddr()
}

// LocalAddr is the address that the client connected to.
func (c *conn) LocalAddr() net.Addr {
	if c.local != nil {
		return c.local
	}
	return c.Conn.LocalAddr()
}

// NetConn is the connection below, without the bytes that were read.
func (c *conn) NetConn() net.Conn { return c.Conn }

// SyscallConn is the file of the connection below. There is none while bytes that
// were read are left: nobody could wait for these.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if below, ok := c.Conn.(syscall.Conn); ok && len(c.first) == 0 {
		return below.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// addressOf is the IP of a connection's peer, invalid where it has none.
func addressOf(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	if p, err := netip.ParseAddrPort(a.String()); err == nil {
		return p.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
