// Package tunnel passes bytes between two connections. While nothing comes it holds
// no buffer: thousands of idle tunnels cost little more than their sockets.
package tunnel

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

// Run passes bytes both ways until both sides have ended, or delay after one has; a
// negative delay means no such end. It closes both connections.
func Run(client, server net.Conn, delay time.Duration) {
	t := &tunnel{client: client, server: server, delay: delay}
	defer t.close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.copyOneWay(client, server)
	}()
	t.copyOneWay(server, client)
	<-done
}

type tunnel struct {
	client, server net.Conn
	delay          time.Duration
}

func (t *tunnel) close() {
	_ = t.client.Close()
	_ = t.server.Close()
}

// copyOneWay is one direction. An error ends the other one too.
func (t *tunnel) copyOneWay(to, from net.Conn) {
	r := &relay{to: to, from: from}
	err := r.run()
	if err == nil {
		err = CloseWrite(to)
	}
	switch {
	case err != nil:
		t.close()
	case t.delay >= 0:
		time.AfterFunc(t.delay, t.close)
	}
}

// CloseWrite ends this side of a connection, where it can be ended apart.
func CloseWrite(c net.Conn) error {
	for {
		if half, ok := c.(interface{ CloseWrite() error }); ok {
			return half.CloseWrite()
		}
		below, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return errors.ErrUnsupported
		}
		c = below.NetConn()
	}
}

// Socket is the TCP connection at the bottom of c, where what lies between passes
// bytes on unchanged; else nil.
func Socket(c net.Conn) *net.TCPConn {
	bottom, layered := socket(c)
	if layered {
		return nil
	}
	return bottom
}

// socket is the TCP connection at the bottom of c, and whether TLS lies between; nil
// where nothing is known of what lies between. A wrapper is looked through if it is a
// [syscall.Conn]; it refuses while it holds bytes that were read.
func socket(c net.Conn) (bottom *net.TCPConn, layered bool) {
	for {
		switch at := c.(type) {
		case *net.TCPConn:
			return at, layered
		case *tls.Conn:
			layered, c = true, at.NetConn()
			continue
		}
		file, ok := c.(syscall.Conn)
		if !ok {
			return nil, layered
		}
		if _, err := file.SyscallConn(); err != nil {
			return nil, layered
		}
		below, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil, layered
		}
		c = below.NetConn()
	}
}
