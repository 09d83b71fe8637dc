package entrypoint

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// pipe is a batch over TCP, and the other side.
func pipe(t testing.TB) (*coalescingConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	b := newCoalescingConn(c)
	b.start()
	t.Cleanup(func() { _ = b.Close(); _ = far.Close() })
	return b, far
}

func TestBatchOrder(t *testing.T) {
	t.Parallel()
	b, far := pipe(t)
	var want bytes.Buffer
	for i := range 500 {
		want.Write(bytes.Repeat([]byte{byte(i)}, 1+(i*i*37)%9000))
	}
	var got []byte
	var reading sync.WaitGroup
	reading.Go(func() { got, _ = io.ReadAll(far) })
	rest := want.Bytes()
	for i := 0; len(rest) > 0; i++ {
		n := min(len(rest), 1+(i*i*101)%7000)
		if _, err := b.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("got %d bytes that differ from the %d written", len(got), want.Len())
	}
}

func TestBatchSendsWithoutMore(t *testing.T) {
	t.Parallel()
	b, far := pipe(t)
	if _, err := b.Write([]byte("one")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	_ = far.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadFull(far, got); err != nil || string(got) != "one" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestBatchSlowReader writes until the far side takes no more: writes must wait,
// keep a deadline, and end with Close.
func TestBatchSlowReader(t *testing.T) {
	t.Parallel()
	b, _ := pipe(t)
	_ = b.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	var err error
	for total := 0; err == nil; {
		var n int
		n, err = b.Write(make([]byte, 1000))
		if total += n; total > 1<<30 {
			t.Fatal("a gigabyte was taken that nobody read")
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestBatchCloseWhileStuck(t *testing.T) {
	t.Parallel()
	b, _ := pipe(t)
	ended := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			if i == 100 {
				close(started)
			}
			_, err = b.Write(make([]byte, 3000))
		}
		ended <- err
	}()
	<-started
	_ = b.Close()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("a write outlives Close")
	}
}
