package gateway

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// tlsRecord is the first byte of a TLS handshake (RFC 8446, section 5.1). No HTTP
// request begins with it.
const tlsRecord = 0x16

// split parts one listener's connections into those that speak TLS and others, by
// their first byte. Close ends both sides.
type split struct {
	net.Listener
	plain, secure chan net.Conn
	done          chan struct{}
	ending        sync.Once
}

func newSplit(l net.Listener) *split {
	return &split{Listener: l, plain: make(chan net.Conn), secure: make(chan net.Conn), done: make(chan struct{})}
}

// run accepts until the listener is closed.
func (s *split) run() error {
	var looking sync.WaitGroup
	defer looking.Wait()
	defer s.end()
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			return err
		}
		looking.Go(func() { s.look(c) })
	}
}

func (s *split) end() { s.ending.Do(func() { close(s.done) }) }

// look waits for c's first byte and hands c on. A front that stops closes c.
func (s *split) look(c net.Conn) {
	first := make([]byte, 1)
	_ = c.SetReadDeadline(time.Now().Add(headerTimeout))
	if _, err := c.Read(first); err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	to := s.plain
	if first[0] == tlsRecord {
		to = s.secure
	}
	select {
	case to <- &begun{Conn: c, first: first}:
	case <-s.done:
		_ = c.Close()
	}
}

// side is one of the two listeners.
func (s *split) side(conns chan net.Conn) net.Listener { return &splitSide{s, conns} }

type splitSide struct {
	*split
	conns chan net.Conn
}

// Accept waits for a connection of this side.
func (s *splitSide) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// begun is a connection of which the first bytes were read.
type begun struct {
	net.Conn
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// NetConn is the connection below, without the bytes that were read.
func (b *begun) NetConn() net.Conn { return b.Conn }

// SyscallConn is the file of the connection below. There is none while the bytes that
// were read are left: nobody could wait for these.
func (b *begun) SyscallConn() (syscall.RawConn, error) {
	if below, ok := b.Conn.(syscall.Conn); ok && len(b.first) == 0 {
		return below.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
