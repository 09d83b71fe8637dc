package forward

import (
	"io"
	"net"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestForward: a side that has ended what it sends still gets the answer; the end of the
// forwarder ends connections that hang, and a target that is not there resets them.
func TestForward(t *testing.T) {
	t.Parallel()
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Listen("127.0.0.1:0", func() string { return target.Addr().String() })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dial := func() *net.TCPConn {
		t.Helper()
		c, err := net.Dial("tcp", f.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c.(*net.TCPConn)
	}
	answered := make(chan error, 1)
	go func() {
		c, err := target.Accept()
		if err != nil {
			answered <- err
			return
		}
		asked, err := io.ReadAll(c) // until the other side's end
		if err == nil {
			_, err = c.Write(append([]byte("answer to "), asked...))
		}
		_ = c.Close()
		answered <- err
	}()
	c := dial()
	if _, err := c.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); string(got) != "answer to question" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	hangs := dial()
	held, err := target.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	_ = target.Close()
	if _, err := dial().Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("without a target: %v, want a reset", err)
	}
	f.Close()
	if _, err := hangs.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives the forwarder")
	}
	if _, err := net.Dial("tcp", f.Addr().String()); err == nil {
		t.Error("it listens after its end")
	}
}
