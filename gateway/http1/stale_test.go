package http1_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"axion/gateway/http1"
)

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// readRequest reads a head and its body, and is false where the connection ended.
func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// fill has n requests under way at once, so that the client keeps n connections.
func fill(t *testing.T, c *http1.Client, target *http1.Target, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if got, err := send(c, target, "GET", ""); err != nil || got != "200 ok" {
				t.Errorf("first requests: got %q, %v", got, err)
			}
		})
	}
	all.Wait()
}

// send forwards a request, and gives the status and body of its answer.
func send(c *http1.Client, target *http1.Target, method, body string, edit ...func(*http.Request)) (string, error) {
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "/", from)
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	err := c.Forward(w, r, target)
	return fmt.Sprintf("%d %s", w.Code, w.Body), err
}

// rounds is a server that answers the first request of each of its first n connections
// once all n have come; after that, then handles the connection. Later connections are
// answered as they should.
func rounds(t *testing.T, n int, then func(c net.Conn, r *bufio.Reader)) *http1.Target {
	t.Helper()
	var first sync.WaitGroup
	first.Add(n)
	var count atomic.Int64
	return upstream(t, func(c net.Conn, r *bufio.Reader) {
		early := count.Add(1) <= int64(n)
		for readRequest(r) {
			if early {
				first.Done()
				first.Wait()
			}
			_, _ = io.WriteString(c, okAnswer)
			if early {
				then(c, r)
				return
			}
		}
	})
}

// TestStaleConnections has every kept connection go bad, in several ways, before a
// further request: it is answered, as if there had been none.
func TestStaleConnections(t *testing.T) {
	t.Parallel()
	const n = 6
	reset := func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() }
	unused := map[string]func(c net.Conn, r *bufio.Reader, gone func()){ // before the next request is written
		"Closed": func(c net.Conn, _ *bufio.Reader, gone func()) { _ = c.Close(); gone() },
		"Reset":  func(c net.Conn, _ *bufio.Reader, gone func()) { reset(c); gone() },
		"HalfClosed": func(c net.Conn, r *bufio.Reader, gone func()) {
			_ = c.(*net.TCPConn).CloseWrite()
			gone()
			_, _ = io.Copy(io.Discard, r)
		},
		"Unasked": func(c net.Conn, r *bufio.Reader, gone func()) {
			_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			gone()
			_, _ = io.Copy(io.Discard, r)
		},
	}
	used := map[string]func(c net.Conn, r *bufio.Reader){ // once it is
		"ClosedOnHead": func(c net.Conn, r *bufio.Reader) { _, _ = r.Peek(1); _ = c.Close() },
		"ClosedAfter":  func(c net.Conn, r *bufio.Reader) { _ = readRequest(r); _ = c.Close() },
		"ResetAfter":   func(c net.Conn, r *bufio.Reader) { _ = readRequest(r); reset(c) },
	}
	type request struct{ method, body string }
	for name, then := range unused {
		for _, tt := range []request{{"GET", ""}, {"POST", ""}, {"POST", "small"}, {"POST", strings.Repeat("x", 100<<10)}, {"PATCH", ""},
			{"PROPFIND", ""}} {
			t.Run(fmt.Sprintf("Unused/%s/%s%d", name, tt.method, len(tt.body)), func(t *testing.T) {
				t.Parallel()
				var gone sync.WaitGroup
				gone.Add(n)
				target := rounds(t, n, func(c net.Conn, r *bufio.Reader) { then(c, r, gone.Done) })
				c := http1.New(http1.Options{})
				defer c.Close()
				fill(t, c, target, n)
				gone.Wait()
				<-time.After(2 * time.Millisecond) // the client looks at what was unused for a while
				for i := range 2 {
					if got, err := send(c, target, tt.method, tt.body); err != nil || got != "200 ok" {
						t.Errorf("request %d: got %q, %v, want 200", i+1, got, err)
					}
				}
			})
		}
	}
	for name, then := range used {
		for _, tt := range []request{{"GET", ""}, {"HEAD", ""}, {"PUT", ""}, {"PUT", "small"}, {"DELETE", ""}} {
			t.Run(fmt.Sprintf("Used/%s/%s%d", name, tt.method, len(tt.body)), func(t *testing.T) {
				t.Parallel()
				target := rounds(t, n, then)
				c := http1.New(http1.Options{})
				defer c.Close()
				fill(t, c, target, n)
				for i := range 2 {
					if got, err := send(c, target, tt.method, tt.body); err != nil || !strings.HasPrefix(got, "200") {
						t.Errorf("request %d: got %q, %v, want 200", i+1, got, err)
					}
				}
			})
		}
	}
}

// TestNotTwice are requests that a server has got, and that must not reach one again.
func TestNotTwice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, body string
		answer       string
		times        int64
	}{
		"POST":       {"POST", "", "", 1},
		"Body":       {"POST", "small", "", 1},
		"Begun":      {"GET", "", "HTTP/1.1 200 O", 1},
		"Hint":       {"GET", "", "HTTP/1.1 103 Early Hints\r\n\r\n", 1},
		"Idempotent": {"GET", "", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var times atomic.Int64
			target := upstream(t, func(c net.Conn, r *bufio.Reader) {
				if times.Load() == 0 && readRequest(r) { // the first one only
					_, _ = io.WriteString(c, okAnswer)
				}
				if readRequest(r) {
					times.Add(1)
					_, _ = io.WriteString(c, tt.answer)
				}
			})
			c := http1.New(http1.Options{})
			defer c.Close()
			fill(t, c, target, 1)
			if got, err := send(c, target, tt.method, tt.body); err == nil {
				t.Errorf("got %q, want an error", got)
			}
			if got := times.Load(); got != tt.times {
				t.Errorf("the server got it %d times, want %d", got, tt.times)
			}
		})
	}
}

// TestStaleLoad has servers close connections while many use them.
func TestStaleLoad(t *testing.T) {
	t.Parallel()
	for name, idle := range map[string]time.Duration{"AtOnce": 0, "SoonAfter": 5 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := upstream(t, func(c net.Conn, r *bufio.Reader) {
				for readRequest(r) {
					_, _ = io.WriteString(c, okAnswer)
					if idle == 0 {
						return
					}
					_ = c.SetReadDeadline(time.Now().Add(idle))
				}
			})
			c := http1.New(http1.Options{})
			defer c.Close()
			var clients sync.WaitGroup
			for client := range 8 {
				clients.Go(func() {
					for i := range 25 {
						pause := time.NewTimer(time.Duration((client*7+i*3)%11) * time.Millisecond)
						<-pause.C
						if got, err := send(c, target, "GET", ""); err != nil || got != "200 ok" {
							t.Errorf("got %q, %v, want 200", got, err)
						}
					}
				})
			}
			clients.Wait()
		})
	}
}

// TestErrGone dials anew once, and says so where nobody listens any more.
func TestErrGone(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = readRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, okAnswer)
		_ = l.Close()
		_ = c.Close()
	}()
	target := &http1.Target{URL: mustURL("http://" + l.Addr().String())}
	c := http1.New(http1.Options{})
	defer c.Close()
	fill(t, c, target, 1)
	<-closed
	_, err = send(c, target, "GET", "")
	if e, ok := err.(*http1.Error); !ok || !e.Dial {
		t.Errorf("got %v, want a failure to dial", err)
	}
}

// TestLease leaves connections alone that the server is about to close.
func TestLease(t *testing.T) {
	t.Parallel()
	var dialled atomic.Int64
	target := upstream(t, func(c net.Conn, r *bufio.Reader) {
		dialled.Add(1)
		for readRequest(r) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=9\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	c := http1.New(http1.Options{})
	defer c.Close()
	fill(t, c, target, 1)
	lease := time.NewTimer(time.Second / 2) // half of a second that is promised
	<-lease.C
	fill(t, c, target, 1)
	if got := dialled.Load(); got != 2 {
		t.Errorf("got %d connections, want 2", got)
	}
}

// TestFickle sends what cannot be sent again on connections of its own, once the server
// has closed one that was just used.
func TestFickle(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 100)
	target := upstream(t, func(c net.Conn, r *bufio.Reader) {
		if readRequest(r) {
			_, _ = io.WriteString(c, okAnswer)
		}
		_ = c.Close()
		closed <- struct{}{}
	})
	c := http1.New(http1.Options{})
	defer c.Close()
	fill(t, c, target, 1)
	<-closed
	fill(t, c, target, 1)
	for i := range 50 {
		if got, err := send(c, target, "POST", ""); err != nil || got != "200 ok" {
			t.Errorf("request %d: got %q, %v, want 200", i+1, got, err)
		}
	}
}
