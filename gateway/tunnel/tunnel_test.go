package tunnel_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/tunnel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// pair gives both ends of a connection.
func pair(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	_ = near.SetDeadline(time.Now().Add(patience))
	return near, far
}

// securePair gives both ends of a connection with TLS.
func securePair(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	s := httptest.NewTLSServer(nil) // for its certificate
	defer s.Close()
	near, far := pair(t)
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true})
	server := tls.Server(far, s.TLS)
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client, server
}

var kinds = map[string]func(*testing.T) (net.Conn, net.Conn){"Plain": pair, "TLS": securePair}

// run begins a tunnel between a client and a server, and ends the test with it.
func run(t *testing.T, ends func(*testing.T) (net.Conn, net.Conn), delay time.Duration) (client, server net.Conn) {
	t.Helper()
	client, inner := ends(t)
	server, outer := pair(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tunnel.Run(inner, outer, delay)
	}()
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
		<-ended
	})
	return client, server
}

func expect(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes that are not the %d sent: %v", len(got), len(want), err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for name, ends := range kinds {
		t.Run("OK/Messages/"+name, func(t *testing.T) {
			t.Parallel()
			client, server := run(t, ends, -1)
			for i := range 50 {
				up, down := bytes.Repeat([]byte{byte(i)}, 1+i*100), bytes.Repeat([]byte{byte(i + 1)}, 1+i)
				_, _ = client.Write(up)
				expect(t, server, up)
				_, _ = server.Write(down)
				expect(t, client, down)
			}
		})
		t.Run("OK/Bulk/"+name, func(t *testing.T) {
			t.Parallel()
			client, server := run(t, ends, -1)
			text := make([]byte, 24<<20) // more than one transfer of the kernel's
			_, _ = rand.Read(text)
			go func() { _, _ = client.Write(text) }()
			expect(t, server, text)
			go func() { _, _ = server.Write(text) }()
			expect(t, client, text)
			_, _ = client.Write([]byte("small"))
			expect(t, server, []byte("small"))
		})
		t.Run("OK/HalfClosed/"+name, func(t *testing.T) {
			t.Parallel()
			client, server := run(t, ends, -1)
			_, _ = client.Write([]byte("question"))
			_ = tunnel.CloseWrite(client)
			if got, err := io.ReadAll(server); err != nil || string(got) != "question" {
				t.Fatalf("got %q, %v", got, err)
			}
			_, _ = server.Write([]byte("answer"))
			_ = server.Close()
			if got, err := io.ReadAll(client); err != nil || string(got) != "answer" {
				t.Errorf("got %q, %v", got, err)
			}
		})
		t.Run("OK/EndsAfterDelay/"+name, func(t *testing.T) {
			t.Parallel()
			client, server := run(t, ends, 10*time.Millisecond)
			_ = tunnel.CloseWrite(client)
			_, _ = io.ReadAll(server)
			_, err := client.Read(make([]byte, 1)) // although the server does not end
			if n, ok := err.(net.Error); err == nil || ok && n.Timeout() {
				t.Errorf("got %v, want an end", err)
			}
		})
	}
}

// joined sends what it is given when it is asked to, so that TLS records arrive as one.
type joined struct {
	net.Conn
	on   bool
	text []byte
}

func (j *joined) Write(p []byte) (int, error) {
	if !j.on {
		return j.Conn.Write(p)
	}
	j.text = append(j.text, p...)
	return len(p), nil
}

// TestRecords passes on every TLS record of those that arrive at once: TLS reads them
// together, and the socket has nothing more to say.
func TestRecords(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	raw := &joined{}
	client, server := run(t, func(t *testing.T) (net.Conn, net.Conn) {
		near, far := pair(t)
		raw.Conn = near
		client, server := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}), tls.Server(far, s.TLS)
		done := make(chan error, 1)
		go func() { done <- server.Handshake() }()
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		<-done
		_, _ = client.Write([]byte("at once"))
		_ = server.SetReadDeadline(time.Now().Add(patience))
		first := make([]byte, 1)
		_, _ = server.Read(first) // TLS holds the rest before the tunnel begins
		return client, server
	}, -1)
	expect(t, server, []byte("t once"))
	for range 10 {
		raw.on = true
		var want []byte
		for i := range 20 {
			part := bytes.Repeat([]byte{byte(i)}, 1+i)
			want = append(want, part...)
			_, _ = client.Write(part)
		}
		raw.on = false
		_, _ = raw.Conn.Write(raw.text)
		raw.text = nil
		expect(t, server, want)
	}
}

// TestReset ends the tunnel when a client resets its connection, although the server
// goes on.
func TestReset(t *testing.T) {
	t.Parallel()
	client, inner := pair(t)
	server, outer := pair(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tunnel.Run(inner, outer, -1)
	}()
	_, _ = client.Write([]byte("x"))
	expect(t, server, []byte("x")) // the tunnel waits for more now
	_ = client.(*net.TCPConn).SetLinger(0)
	_ = client.Close()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the tunnel goes on")
	}
}
