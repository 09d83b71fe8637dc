package http1_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const idleTimeout = 20 * time.Second

// upstream runs a script on each connection that the client makes.
func upstream(t testing.TB, script func(c net.Conn, r *bufio.Reader)) *http1.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(idleTimeout))
				script(c, bufio.NewReader(c))
			}()
		}
	}()
	return &http1.Target{URL: &url.URL{Scheme: "http", Host: l.Addr().String()}, PassHost: true, FlushInterval: 100 * time.Millisecond}
}

// front is a real server that forwards to t; it answers failures with 502.
func front(t testing.TB, target *http1.Target) string {
	t.Helper()
	c := http1.New(http1.Options{DialTimeout: idleTimeout, IdleTimeout: idleTimeout})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.Forward(w, r, target); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	t.Cleanup(func() { s.Close(); c.Close() })
	return s.Listener.Addr().String()
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// readHead reads up to the empty line.
func readHead(r *bufio.Reader) string {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String()
		}
	}
}

// exchange sends raw bytes and returns all that comes back.
func exchange(t *testing.T, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(idleTimeout))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("read: %v after %q", err, answer)
	}
	return string(answer)
}
