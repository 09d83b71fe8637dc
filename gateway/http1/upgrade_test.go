package http1_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"axion/gateway/http1"
	"axion/gateway/respwriter"
)

const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\nSec-Key: 1\r\n\r\n"

// echo is a server that agrees to change to the protocol echo.
func echo(c net.Conn, r *bufio.Reader) {
	head := readHead(r)
	if !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: echo\r\n") || !strings.Contains(head, "Sec-Key: 1\r\n") {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: Echo\r\nSec-Accept: 2\r\n\r\nhello")
	_, _ = io.Copy(c, r)
	_, _ = io.WriteString(c, "bye")
}

// lasting is a writer whose request may outlast its handler.
type lasting struct {
	http.ResponseWriter
	ctx  context.Context
	done chan struct{}
}

var _ respwriter.Detacher = (*lasting)(nil)

func (l *lasting) Unwrap() http.ResponseWriter       { return l.ResponseWriter }
func (l *lasting) Detach() (context.Context, func()) { return l.ctx, func() { close(l.done) } }
func (l *lasting) OnDone(f func())                   { f() }
func (l *lasting) handler(c *http1.Client, t *http1.Target, returned chan<- struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.ResponseWriter = w
		if err := c.Forward(l, r, t); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
		close(returned)
	})
}

// talk upgrades, and checks that bytes pass both ways until the client's end, the
// server's last word after it included. Before the end it calls amid.
func talk(t *testing.T, address string, amid func()) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(idleTimeout))
	if _, err := io.WriteString(c, upgrade+"early "); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	head := readHead(r)
	for _, want := range []string{"HTTP/1.1 101 Switching Protocols\r\n", "Connection: Upgrade\r\n", "Upgrade: echo\r\n",
		"Sec-Accept: 2\r\n"} {
		if !strings.Contains(head, want) {
			t.Errorf("got %q, which lacks %q", head, want)
		}
	}
	got := make([]byte, len("helloearly "))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "helloearly " {
		t.Errorf("got %q, %v", got, err)
	}
	for range 3 {
		_, _ = io.WriteString(c, "again")
		if _, err := io.ReadFull(r, got[:5]); err != nil || string(got[:5]) != "again" {
			t.Errorf("got %q, %v", got[:5], err)
		}
	}
	amid()
	_ = c.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "bye" {
		t.Errorf("after the client's end: got %q, %v", rest, err)
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	t.Run("OK/Waits", func(t *testing.T) {
		t.Parallel()
		talk(t, front(t, upstream(t, echo)), func() {})
	})
	t.Run("OK/Lasts", func(t *testing.T) {
		t.Parallel()
		c := http1.New(http1.Options{})
		defer c.Close()
		l, returned := &lasting{ctx: t.Context(), done: make(chan struct{})}, make(chan struct{})
		s := httptest.NewServer(l.handler(c, upstream(t, echo), returned))
		defer s.Close()
		talk(t, s.Listener.Addr().String(), func() { <-returned })
		<-l.done
	})
	t.Run("OK/EndsWithItsContext", func(t *testing.T) {
		t.Parallel()
		c := http1.New(http1.Options{})
		defer c.Close()
		ctx, cancel := context.WithCancel(t.Context())
		l, returned := &lasting{ctx: ctx, done: make(chan struct{})}, make(chan struct{})
		s := httptest.NewServer(l.handler(c, upstream(t, echo), returned))
		defer s.Close()
		client, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, _ = io.WriteString(client, upgrade)
		<-returned
		cancel()
		<-l.done
		_ = client.SetReadDeadline(time.Now().Add(idleTimeout))
		if _, err := io.ReadAll(client); err != nil {
			t.Logf("the client saw %v", err) // a reset is an end too
		}
	})
}

// TestNoUpgrade are requests that are asked as ordinary ones.
func TestNoUpgrade(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]string{
		"HTTP2":      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
		"HTTP2Among": "Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n",
		"Unnamed":    "Upgrade: websocket\r\n",
		"Body":       "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			saw := make(chan string, 1)
			address := front(t, upstream(t, func(c net.Conn, r *bufio.Reader) {
				saw <- readHead(r)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nplain")
			}))
			if got := exchange(t, address, "GET / HTTP/1.0\r\nHost: a\r\n"+headers+"\r\nhi"); !strings.HasSuffix(got, "plain") {
				t.Errorf("got %q", got)
			}
			if got := <-saw; strings.Contains(got, "Upgrade") || strings.Contains(strings.ToLower(got), "http2-settings") {
				t.Errorf("the server saw %q", got)
			}
		})
	}
}

// TestErrSwitch are servers that change to what was not asked for.
func TestErrSwitch(t *testing.T) {
	t.Parallel()
	address := front(t, upstream(t, func(c net.Conn, r *bufio.Reader) {
		_ = readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n")
	}))
	request := strings.Replace(upgrade, "keep-alive", "close", 1)
	if got := exchange(t, address, request); !strings.HasPrefix(got, "HTTP/1.1 502") {
		t.Errorf("got %q, want 502", got)
	}
}
