package gateway_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"axion/web/view"
)

// TestChurn reloads a hundred times, each time with another unrelated router and a
// changed middleware, while clients that keep their connections go on asking.
func TestChurn(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789abcdef", 4<<10)
	url := upstream(t, text)
	document := func(i int) string {
		n := strconv.Itoa(i)
		return compose(slices.Concat(
			route("main", "Host(`main.localhost`)", url, "middlewares=h"),
			[]string{"http.middlewares.h.headers.customresponseheaders.X-Load=" + n},
			route("n"+n, "Host(`n"+n+".localhost`)", url))...)
	}
	s := start(t, document(0))
	var stop atomic.Bool
	var load sync.WaitGroup
	var requests atomic.Int64
	const clients = 8
	for range clients {
		c, err := net.Dial("tcp", s.http) // not a pool, which may dial anew by itself
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		load.Go(func() {
			answers := bufio.NewReader(c)
			for last := 0; !stop.Load() && !t.Failed(); requests.Add(1) {
				_ = c.SetDeadline(deadline())
				header, body, err := askOn(c, answers, "main.localhost")
				n, _ := strconv.Atoi(header.Get("X-Load"))
				if err != nil || body != text || n < last {
					t.Errorf("request %d: got %d bytes of table %d, %v, want %d bytes of table %d or later", requests.Load(), len(body), n, err, len(text),
						last)
				}
				last = n
			}
		})
	}
	c := s.client()
	for i := 1; i <= 100 && !t.Failed(); i++ {
		s.save(document(i))
		name := fmt.Sprintf("n%d@docker", i)
		eventually(t, "the route "+name, func() bool {
			return slices.ContainsFunc(s.Routes(), func(r view.Route) bool { return r.Name == name }) || t.Failed()
		})
		header, _, err := whole(c, "http://main.localhost/")
		if _, _, err := whole(c, fmt.Sprintf("http://n%d.localhost/", i)); err != nil {
			t.Errorf("the new route: %v", err)
		}
		if err != nil || header.Get("X-Load") != strconv.Itoa(i) {
			t.Errorf("the changed middleware: got %q, %v, want %d", header.Get("X-Load"), err, i)
		}
	}
	stop.Store(true)
	load.Wait()
	t.Logf("%d requests during 100 reloads", requests.Load())
}

// askOn asks for a page on a connection.
func askOn(c net.Conn, answers *bufio.Reader, host string) (http.Header, string, error) {
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host); err != nil {
		return nil, "", err
	}
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		return nil, "", err
	}
	return read(resp)
}

// whole asks for a page; what is not 200 is an error.
func whole(c *http.Client, url string) (http.Header, string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return nil, "", err
	}
	return read(resp)
}

func read(resp *http.Response) (http.Header, string, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp.Header, string(body), err
}

// TestVanish has clients reset their connections in the middle of things. Nothing of
// them may be left, neither in the gateway nor at the server, while both go on.
func TestVanish(t *testing.T) {
	t.Parallel()
	server := newLasting(t)
	s := start(t, compose(slices.Concat(
		route("plain", "Host(`a.localhost`)", server.url),
		route("secure", "Host(`a.localhost`)", server.url, "tls=true"))...))
	const clients = 200
	var gone sync.WaitGroup
	for i := range clients {
		gone.Go(func() { vanish(t, s, server, i) })
	}
	gone.Wait()
	if got := server.seen.Load(); got < clients && !t.Failed() {
		t.Errorf("connections at the server: got %d, want %d", got, clients)
	}
	eventually(t, "the server's connections end", func() bool { return server.open.Load() == 0 })
	eventually(t, "the gateway's connections and requests end", func() bool {
		conns, requests := s.Busy()
		return conns == 0 && requests == 0
	})
}

// vanish leaves in the middle of a request, of the wait for its answer, of the answer,
// or of what follows an upgrade, by turns; over TLS every other round.
func vanish(t *testing.T, s *stack, server *lasting, i int) {
	address, secure := s.http, i/4%2 == 1
	if secure {
		address = s.secure
	}
	raw, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer raw.Close()
	_ = raw.(*net.TCPConn).SetLinger(0) // so that it is reset
	_ = raw.SetDeadline(deadline())
	c := raw
	if secure {
		c = tls.Client(raw, &tls.Config{ServerName: "a.localhost", RootCAs: s.RootPool()})
	}
	begun := server.expect(i)
	middle := []struct{ send, hear string }{
		{"POST /%d HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 100_000), ""},
		{"GET /%d HTTP/1.1\r\nHost: a.localhost\r\n\r\n", ""},
		{"GET /%d/endless HTTP/1.1\r\nHost: a.localhost\r\n\r\n", "xxxxxxxx"},
		{"GET /%d HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello", "\r\n\r\nhello"},
	}[i%4]
	if _, err := fmt.Fprintf(c, middle.send, i); err != nil {
		t.Errorf("client %d: %v", i, err)
		return
	}
	await(t, begun, "the server hears of client "+strconv.Itoa(i))
	heard := ""
	for buf := make([]byte, 512); !strings.Contains(heard, middle.hear); {
		n, err := c.Read(buf)
		if heard += string(buf[:n]); err != nil {
			t.Errorf("client %d: got %q, %v", i, heard, err)
			return
		}
	}
}

// lasting is a server whose requests end when their client leaves.
type lasting struct {
	url        string
	seen, open atomic.Int64 // connections
	mu         sync.Mutex
	expected   map[string]chan struct{} // by path
}

func newLasting(t *testing.T) *lasting {
	t.Helper()
	l := &lasting{expected: map[string]chan struct{}{}}
	s := httptest.NewUnstartedServer(l)
	s.Listener = &counting{s.Listener, l}
	s.Start()
	t.Cleanup(s.Close)
	l.url = s.URL
	return l
}

// expect is closed when a request whose path begins with /i comes.
func (l *lasting) expect(i int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	begun := make(chan struct{})
	l.expected[strconv.Itoa(i)] = begun
	return begun
}

func (l *lasting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	l.mu.Lock()
	close(l.expected[number])
	l.mu.Unlock()
	switch {
	case r.Header.Get("Upgrade") != "":
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(c, bufio.NewReader(buffered))
	case strings.HasSuffix(r.URL.Path, "/endless"):
		for {
			if _, err := w.Write([]byte("xxxxxxxx")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	default:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
}

// counting is a listener that reports its connections to a server.
type counting struct {
	net.Listener
	server *lasting
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.server.seen.Add(1)
	l.server.open.Add(1)
	return &countedConn{Conn: c, left: sync.OnceFunc(func() { l.server.open.Add(-1) })}, nil
}

type countedConn struct {
	net.Conn
	left func()
}

func (c *countedConn) Close() error {
	c.left()
	return c.Conn.Close()
}
