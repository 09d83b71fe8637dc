package listener

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestMemoryEnds: a connection's end is as that of a TCP connection.
func TestMemoryEnds(t *testing.T) {
	t.Parallel()
	m := newMemory()
	pair := func() (a, b net.Conn) {
		accepted := make(chan net.Conn, 1)
		go func() {
			conn, _ := m.Accept()
			accepted <- conn
		}()
		a, err := m.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		return a, <-accepted
	}
	one := make([]byte, 1)
	a, b := pair()
	Refuse(b)
	if _, err := a.Read(one); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("refused: got %v", err)
	}
	a, b = pair()
	go func() {
		_, err := b.Write(one)
		if err := errors.Join(err, b.Close()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := a.Read(one); err != nil {
		t.Errorf("what was sent before the end: got %v", err)
	}
	if _, err := a.Read(one); !errors.Is(err, io.EOF) {
		t.Errorf("ended: got %v", err)
	}
	if _, err := a.Write(one); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after the end: got %v", err)
	}
	_ = a.Close()
	if _, err := a.Read(one); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after closing: got %v", err)
	}
	_ = m.Close()
	if _, err := m.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after closing: got %v", err)
	}
}
