package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/quic-go/quic-go/http3"
)

// brief are limits that tests can wait for.
const brief = ".transport.respondingtimeouts."

// entry is an entrypoint on a free port, with these settings.
func entry(t *testing.T, name string, settings ...string) string {
	t.Helper()
	free := port0(t)
	_, number, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	args := []string{"--entrypoints." + name + ".address=:" + number}
	for _, s := range settings {
		args = append(args, "--entrypoints."+name+s)
	}
	return strings.TrimPrefix(traefik(args...), traefik())
}

// withEntries is a compose file whose Traefik has these entrypoints.
func withEntries(routes []string, entries ...string) string {
	return compose(routes...) + traefik() + strings.Join(entries, "")
}

// both are routes to one server without and with TLS, on every entrypoint.
func both(url string) []string {
	return append(route("a", "Host(`a.localhost`)", url), route("b", "Host(`a.localhost`)", url, "tls=true")...)
}

// drip is a body that goes on for ever, a byte at a time.
type drip struct{ ended <-chan struct{} }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ended:
		return 0, io.ErrClosedPipe
	case <-time.After(20 * time.Millisecond):
		p[0] = 'x'
		return 1, nil
	}
}

// reader answers with how many bytes of a body came.
func reader(w http.ResponseWriter, r *http.Request) {
	if n, err := io.Copy(io.Discard, r.Body); err == nil {
		_, _ = w.Write([]byte(strings.Repeat("x", int(n))))
	}
}

// TestReadTimeout ends bodies that do not end, by each protocol and for each client.
func TestReadTimeout(t *testing.T) {
	t.Parallel()
	s := start(t, withEntries(both(serve(t, reader)), entry(t, "ep", brief+"readtimeout=300ms", ".http3=true")))
	at := s.entrypoint("ep")
	secure := &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}
	plain := &http.Protocols{}
	plain.SetUnencryptedHTTP2(true)
	for name, by := range map[string]struct {
		scheme string
		http.RoundTripper
	}{
		"HTTP/1": {"http", &http.Transport{}}, "HTTP/1 TLS": {"https", &http.Transport{TLSClientConfig: secure.Clone()}},
		"HTTP/2": {"https", &http.Transport{TLSClientConfig: secure.Clone(), ForceAttemptHTTP2: true}}, "h2c": {"http",
			&http.Transport{Protocols: plain}},
		"HTTP/3": {"https", &http3.Transport{TLSClientConfig: secure.Clone()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if c, ok := by.RoundTripper.(io.Closer); ok {
					_ = c.Close()
				} else {
					by.RoundTripper.(*http.Transport).CloseIdleConnections()
				}
			}()
			for _, host := range []string{"a.localhost", "a.localhost", "nobody.localhost"} { // the last is of no route
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				req, err := http.NewRequestWithContext(ctx, "POST", by.scheme+"://"+at+"/", drip{ctx.Done()})
				if err != nil {
					t.Fatal(err)
				}
				req.Host = host
				res, err := by.RoundTrip(req)
				if err == nil {
					want(t, "it is an error", res.StatusCode >= 400, true)
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: a body goes on", host)
				}
				// A whole one passes, on the same connection where there is one.
				whole, _ := http.NewRequestWithContext(ctx, "POST", by.scheme+"://"+at+"/", strings.NewReader("hello"))
				whole.Host = "a.localhost"
				if res, err = by.RoundTrip(whole); err != nil {
					t.Fatalf("%s: then a whole body: %v", host, err)
				}
				_ = res.Body.Close()
				want(t, "then a whole body", res.StatusCode, 200)
				cancel()
			}
		})
	}
}

// TestReadTimeoutOfHeads closes connections on which a head, or a handshake, does not end.
func TestReadTimeoutOfHeads(t *testing.T) {
	t.Parallel()
	s := start(t, withEntries(both(upstream(t, "a")), entry(t, "ep", brief+"readtimeout=300ms")))
	at := s.entrypoint("ep")
	for name, first := range map[string]string{
		"nothing": "", "a head": "GET / HTTP/1.1\r\nHo", "a handshake": "\x16\x03\x01",
		"a whole request and a head": "GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\nGET / HTTP",
		"a frame":                    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(deadline())
			if _, err := io.WriteString(c, first); err != nil {
				t.Fatal(err)
			}
			if _, err = io.Copy(io.Discard, c); errors.Is(err, context.DeadlineExceeded) {
				t.Error("it is open still")
			} else if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				t.Error("it is open still")
			}
		})
	}
}

// dripped returns once a body was cut off at an entrypoint, and so once its time has
// passed since the call.
func dripped(t *testing.T, at string) {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 9\r\n\r\n")
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, net.ErrClosed) {
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			t.Fatal("a body goes on")
		}
	}
}

// TestReadTimeoutSpares leaves alone what is no request's body: answers that go on,
// WebSockets, idle connections.
func TestReadTimeoutSpares(t *testing.T) {
	t.Parallel()
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	more := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ws":
			c, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer c.Close()
			for {
				kind, p, err := c.ReadMessage()
				if err != nil || c.WriteMessage(kind, p) != nil {
					return
				}
			}
		case "/events":
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "one\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-more:
			case <-r.Context().Done():
			}
			_, _ = io.WriteString(w, "two\n")
		default:
			_, _ = io.Copy(io.Discard, r.Body)
		}
	})
	s := start(t, withEntries(both(url), entry(t, "ep", brief+"readtimeout=200ms")))
	at := s.entrypoint("ep")
	socket, _, err := websocket.DefaultDialer.Dial("ws://"+at+"/ws", http.Header{"Host": {"a.localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	_ = socket.SetReadDeadline(deadline())
	var streams []*bufio.Reader
	for _, body := range []string{"", "hello"} {
		req, _ := http.NewRequest("POST", "http://"+at+"/events", strings.NewReader(body))
		req.Host = "a.localhost"
		res, err := s.client().Transport.(*http.Transport).Clone().RoundTrip(withAddress(req, at))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewReader(res.Body)
		if line, err := lines.ReadString('\n'); line != "one\n" {
			t.Fatalf("the first line: got %q, %v", line, err)
		}
		streams = append(streams, lines)
	}
	idle, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	_ = idle.SetDeadline(deadline())
	answers := bufio.NewReader(idle)
	askIdle := func() {
		t.Helper()
		_, _ = io.WriteString(idle, "POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 2\r\n\r\nhi")
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
	askIdle()
	dripped(t, at)
	dripped(t, at)
	askIdle()
	if err := socket.WriteMessage(websocket.TextMessage, []byte("still there")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := socket.ReadMessage(); err != nil || string(p) != "still there" {
		t.Errorf("the WebSocket: got %q, %v", p, err)
	}
	close(more)
	for _, lines := range streams {
		if line, err := lines.ReadString('\n'); line != "two\n" {
			t.Errorf("the second line: got %q, %v", line, err)
		}
	}
}

// withAddress has the request go to an address, whatever its host.
func withAddress(r *http.Request, at string) *http.Request {
	r.URL.Host = at
	return r
}

// TestWriteTimeout cuts answers off that take too long, and what the server does for
// them; a WebSocket goes on.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	gone := make(chan string, 8)
	var asked atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ws":
			c, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer c.Close()
			_, p, _ := c.ReadMessage()
			_ = c.WriteMessage(websocket.TextMessage, p)
		case "/slow", "/begun":
			asked.Add(1)
			if r.URL.Path == "/begun" {
				_, _ = io.WriteString(w, "begun")
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
			gone <- r.URL.Path
		}
	})
	s := start(t, withEntries(both(url), entry(t, "ep", brief+"writetimeout=300ms")))
	at := s.entrypoint("ep")
	socket, _, err := websocket.DefaultDialer.Dial("ws://"+at+"/ws", http.Header{"Host": {"a.localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	_ = socket.SetReadDeadline(deadline())
	secure := &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}
	for name, by := range map[string]http.RoundTripper{
		"http": &http.Transport{}, "https": &http.Transport{TLSClientConfig: secure.Clone(), ForceAttemptHTTP2: true},
	} {
		for _, path := range []string{"/", "/slow", "/begun", "/"} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			req, _ := http.NewRequestWithContext(ctx, "GET", name+"://"+at+path, nil)
			req.Host = "a.localhost"
			res, err := by.RoundTrip(req)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			if path == "/" && err != nil || path != "/" && (err == nil || errors.Is(err, context.DeadlineExceeded)) {
				t.Errorf("%s %s: got %v", name, path, err)
			}
			if path != "/" {
				select {
				case <-gone:
				case <-ctx.Done():
					t.Errorf("%s %s: the server goes on", name, path)
				}
			}
			cancel()
		}
		by.(*http.Transport).CloseIdleConnections()
	}
	if err := socket.WriteMessage(websocket.TextMessage, []byte("still there")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := socket.ReadMessage(); err != nil || string(p) != "still there" {
		t.Errorf("the WebSocket: got %q, %v", p, err)
	}
}
