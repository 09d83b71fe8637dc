package entrypoint

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"axion/gateway/listen"
)

// tlsRecord is the first byte of a TLS handshake (RFC 8446, section 5.1). No HTTP
// request begins with it.
const tlsRecord = 0x16

// tlsSplitter parts one listener's connections into those that speak TLS and others, by
// their first byte. Close ends both sides, and the connections that are on neither.
type tlsSplitter struct {
	net.Listener
	timeout       func() time.Duration // for the first byte
	plain, secure chan net.Conn
	open          context.Context
	end           context.CancelFunc
}

func newTLSSplitter(l net.Listener, patience func() time.Duration) *tlsSplitter {
	s := &tlsSplitter{Listener: l, timeout: patience, plain: make(chan net.Conn), secure: make(chan net.Conn)}
	s.open, s.end = context.WithCancel(context.Background())
	return s
}

// run accepts until the listener is closed.
func (s *tlsSplitter) run() error {
	var looking sync.WaitGroup
	defer looking.Wait()
	defer s.end()
	for {
		c, err := s.Listener.Accept()
		if err == nil {
			looking.Go(func() { s.sniff(c) })
			continue
		}
		if !isTemporary(err) {
			return err
		}
		select {
		case <-time.After(acceptPause):
		case <-s.open.Done():
		}
	}
}

// acceptPause is how long accepting rests where it fails for now.
const acceptPause = 50 * time.Millisecond

// isTemporary reports an error that ends by itself: there are too many open files.
func isTemporary(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Temporary() //nolint:staticcheck // net/http asks the same
}

// Close may be called by each side, and more than once.
func (s *tlsSplitter) Close() error {
	s.end()
	return s.Listener.Close()
}

// sniff waits for c's first byte and hands c on.
func (s *tlsSplitter) sniff(c net.Conn) {
	stop := context.AfterFunc(s.open, func() { _ = c.Close() })
	first := make([]byte, 1)
	_ = c.SetReadDeadline(time.Now().Add(s.timeout()))
	if _, err := c.Read(first); !stop() || err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	to := s.plain
	if first[0] == tlsRecord {
		to = s.secure
	}
	select {
	case to <- &peekedConn{Conn: c, first: first}:
	case <-s.open.Done():
		_ = c.Close()
	}
}

// listener is one of the two listeners.
func (s *tlsSplitter) listener(conns chan net.Conn) listen.Interruptible {
	return &splitListener{s, conns}
}

type splitListener struct {
	*tlsSplitter
	conns chan net.Conn
}

// Accept waits for a connection of this side.
func (s *splitListener) Accept() (net.Conn, error) { return s.AcceptUntil(nil) }

// AcceptUntil is Accept that ends when done is closed.
func (s *splitListener) AcceptUntil(done <-chan struct{}) (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.open.Done():
	case <-done:
	}
	return nil, net.ErrClosed
}

// peekedConn is a connection of which the first bytes were read.
type peekedConn struct {
	net.Conn
	first []byte
}

func (b *peekedConn) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// NetConn is the connection below, without the bytes that were read.
func (b *peekedConn) NetConn() net.Conn { return b.Conn }

// SyscallConn is the file of the connection below. There is none while the bytes that
// were read are left: nobody could wait for these.
func (b *peekedConn) SyscallConn() (syscall.RawConn, error) {
	if below, ok := b.Conn.(syscall.Conn); ok && len(b.first) == 0 {
		return below.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
