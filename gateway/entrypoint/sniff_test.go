package entrypoint

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"axion/gateway/inbound"
)

// soon bounds every wait. It is far below the time for a head, which no test may wait for.
const soon = inbound.DefaultHeadTimeout / 2

// parted is a split that runs on a free port.
type parted struct {
	*tlsSplitter
	t             *testing.T
	plain, secure net.Listener
	ended         chan error
}

func newParted(t *testing.T, wrap func(net.Listener) net.Listener) *parted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newTLSSplitter(wrap(l), func() time.Duration { return inbound.DefaultHeadTimeout })
	p := &parted{tlsSplitter: s, t: t, plain: s.listener(s.plain), secure: s.listener(s.secure), ended: make(chan error, 1)}
	go func() { p.ended <- s.run() }()
	t.Cleanup(func() { _ = s.Close() })
	return p
}

func asIs(l net.Listener) net.Listener { return l }

func (p *parted) dial(say string) net.Conn {
	p.t.Helper()
	c, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(soon))
	if _, err := io.WriteString(c, say); err != nil {
		p.t.Fatal(err)
	}
	return c
}

// accept takes one connection of a side, and fails where none comes.
func (p *parted) accept(side net.Listener) net.Conn {
	p.t.Helper()
	got := make(chan net.Conn, 1)
	go func() {
		c, _ := side.Accept()
		got <- c
	}()
	select {
	case c := <-got:
		if c == nil {
			p.t.Fatal("Accept: the side has ended")
		}
		p.t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(soon))
		return c
	case <-time.After(soon):
		p.t.Fatalf("no connection came within %s", soon)
		return nil
	}
}

// hangsUp reports how a connection was ended by the other side; nil means it was not.
func hangsUp(c net.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(soon))
	_, err := c.Read(make([]byte, 1))
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return nil
	}
	return err
}

func (p *parted) awaitEnd() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(soon):
		p.t.Fatalf("run goes on for %s after Close", soon)
	}
}

func TestSplitParts(t *testing.T) {
	t.Parallel()
	p := newParted(t, asIs)
	hello := "\x16\x03\x01 and the rest"
	for _, tt := range []struct {
		name, say string
		side      net.Listener
	}{
		{"OK/TLS", hello, p.secure},
		{"OK/plain", "GET / HTTP/1.1\r\n", p.plain},
		{"OK/one byte of TLS", "\x16", p.secure},
		{"OK/one byte", "G", p.plain},
		{"OK/SSL 2", "\x80\x2e", p.plain}, // no TLS that anybody speaks; HTTP refuses it
	} {
		p.dial(tt.say)
		c := p.accept(tt.side)
		got := make([]byte, len(tt.say))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != tt.say {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.say)
		}
	}
}

// TestSplitBegun reads what was read already in parts, and asks for the file below.
func TestSplitBegun(t *testing.T) {
	t.Parallel()
	p := newParted(t, asIs)
	client := p.dial("G")
	c := p.accept(p.plain).(*peekedConn)
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("read into nothing: got %d, %v", n, err)
	}
	if _, err := c.SyscallConn(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("file while a byte is left: got %v, want ErrUnsupported", err)
	}
	if _, err := io.WriteString(client, "ET"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, []byte("GET")) {
		t.Errorf("got %q, %v, want GET", got, err)
	}
	if _, err := c.SyscallConn(); err != nil {
		t.Errorf("file: %v", err)
	}
}

// TestSplitSilent has clients that say nothing, and one that is not accepted: neither
// keeps others waiting, and Close ends them all.
func TestSplitSilent(t *testing.T) {
	t.Parallel()
	p := newParted(t, asIs)
	var waiting []net.Conn
	for range 20 {
		waiting = append(waiting, p.dial(""))
	}
	waiting = append(waiting, p.dial("\x16")) // nobody accepts the secure side
	p.dial("GET")
	served := p.accept(p.plain)
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	p.awaitEnd()
	for i, c := range waiting {
		if hangsUp(c) == nil {
			t.Errorf("client %d: its connection is still open", i)
		}
	}
	if _, err := io.WriteString(served, "x"); err != nil {
		t.Errorf("a connection that was handed over: %v", err)
	}
}

// telling is a listener whose connections report that they were closed.
type telling struct {
	net.Listener
	closed chan struct{}
}

func (l telling) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return tellingConn{c, l.closed}, err
}

type tellingConn struct {
	net.Conn
	closed chan struct{}
}

func (c tellingConn) Close() error {
	c.closed <- struct{}{}
	return c.Conn.Close()
}

// TestSplitLeaves has a client go away before it says anything.
func TestSplitLeaves(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 8)
	p := newParted(t, func(l net.Listener) net.Listener { return telling{l, closed} })
	_ = p.dial("").Close()
	select {
	case <-closed:
	case <-time.After(soon):
		t.Error("the connection of a client that left is still open")
	}
	p.dial("GET")
	p.accept(p.plain)
}

func TestSplitClose(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "secure", "listener"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var below net.Listener
			p := newParted(t, func(l net.Listener) net.Listener { below = l; return l })
			accepted := make(chan error, 2)
			for _, side := range []net.Listener{p.plain, p.secure} {
				go func() {
					_, err := side.Accept()
					accepted <- err
				}()
			}
			closing := map[string]net.Listener{"plain": p.plain, "secure": p.secure, "listener": below}[name]
			_ = closing.Close()
			for range 2 {
				select {
				case err := <-accepted:
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("Accept: got %v, want net.ErrClosed", err)
					}
				case <-time.After(soon):
					t.Fatal("Accept goes on")
				}
			}
			p.awaitEnd()
			_ = p.plain.Close() // again
		})
	}
}

// short is a listener that fails a few times as one does where too many files are open.
type short struct {
	net.Listener
	left atomic.Int32
}

func (s *short) Accept() (net.Conn, error) {
	if s.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return s.Listener.Accept()
}

func TestSplitTooManyFiles(t *testing.T) {
	t.Parallel()
	p := newParted(t, func(l net.Listener) net.Listener {
		s := &short{Listener: l}
		s.left.Store(2)
		return s
	})
	p.dial("GET")
	p.accept(p.plain)
}
