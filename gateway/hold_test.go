package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"axion/gateway/supervision"
)

// supervised is a server that is started again and again at one address, as a process is.
type supervised struct {
	t       *testing.T
	address string
	handler http.Handler
	server  *http.Server
	gone    chan struct{}
}

// supervise starts a server at a free address.
func supervise(t *testing.T, h http.HandlerFunc) *supervised {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &supervised{t: t, address: l.Addr().String(), handler: h}
	s.serve(l)
	t.Cleanup(s.kill)
	return s
}

func (s *supervised) serve(l net.Listener) {
	s.server, s.gone = &http.Server{Handler: s.handler}, make(chan struct{})
	go func() { defer close(s.gone); _ = s.server.Serve(l) }()
}

// kill ends it as a signal does: connections and all.
func (s *supervised) kill() {
	_ = s.server.Close()
	<-s.gone
}

// start starts it anew.
func (s *supervised) start() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.serve(l)
}

// state is what a supervisor reports of it.
func (s *supervised) state(up bool) supervision.State {
	return supervision.State{Service: "app", Address: s.address, Up: up, Detail: "app is being started anew", Hold: patience}
}

// restart is what a supervisor does.
func (s *supervised) restart(g *stack, pause time.Duration) {
	g.Supervise(s.state(false))
	g.Drain(s.t.Context(), s.address)
	s.kill()
	time.Sleep(pause) // what a process takes to start; nothing depends on how long
	s.start()
	g.Supervise(s.state(true))
}

func TestHold(t *testing.T) {
	t.Parallel()
	t.Run("OK/NoRequestIsLost", testHoldNoneLost)
	t.Run("OK/SlowBody", testHoldSlowBody)
	t.Run("OK/WebSocket", testHoldWebSocket)
	t.Run("OK/FirstStart", testHoldFirstStart)
	t.Run("OK/RestartsItself", testHoldRestartsItself)
	t.Run("OK/ClientLeaves", testHoldClientLeaves)
	t.Run("ErrTime", testHoldTime)
	t.Run("ErrFailed", testHoldFailed)
	t.Run("ErrTooMany", testHoldTooMany)
}

// testHoldNoneLost has clients ask on and on, in all the ways that there are, while their
// server is started anew.
func testHoldNoneLost(t *testing.T) {
	t.Parallel()
	const clients, restarts = 200, 5
	s := supervise(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s %d", r.Method, n)
	})
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(true))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var answers atomic.Int64
	for i := range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				size := []int{0, 100, 20 << 10}[i%3]
				method := map[bool]string{true: "GET", false: "POST"}[size == 0]
				r, _ := http.NewRequest(method, "http://"+g.http, strings.NewReader(strings.Repeat("x", size)))
				r.Host = "a.test"
				res, err := client.Do(r)
				if err != nil {
					t.Errorf("%s of %d bytes: %v", method, size, err)
					return
				}
				body, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if want := fmt.Sprintf("%s %d", method, size); err != nil || string(body) != want {
					t.Errorf("answer: got %d %q, %v; want %q", res.StatusCode, body, err, want)
					return
				}
				answers.Add(1)
			}
		})
	}
	for range restarts {
		from := answers.Load()
		eventually(t, "all clients are answered", func() bool { return answers.Load() >= from+clients || t.Failed() })
		s.restart(g, 20*time.Millisecond)
	}
	cancel()
	wg.Wait()
	t.Logf("%d answers over %d restarts", answers.Load(), restarts)
}

// testHoldSlowBody has the old process get a request to its end.
func testHoldSlowBody(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 1)
	s := supervise(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(true))
	body, feed := io.Pipe()
	answer := make(chan string, 1)
	go func() { _, text := g.send(t, "POST", "a.test", body); answer <- text }()
	_, _ = io.WriteString(feed, strings.Repeat("x", 10_000))
	<-begun
	restarted := make(chan struct{})
	go func() { defer close(restarted); s.restart(g, 0) }()
	for range 10 {
		time.Sleep(5 * time.Millisecond) // so that the restart has begun; nothing fails if it has not
		_, _ = io.WriteString(feed, "xxxx")
	}
	_ = feed.Close()
	if got := <-answer; got != "10040" {
		t.Errorf("answer: got %q, want 10040", got)
	}
	<-restarted
}

// send has the gateway answer a request.
func (s *stack) send(t *testing.T, method, host string, body io.Reader) (*http.Response, string) {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), method, "http://"+s.http, body)
	r.Host = host
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Error(err)
		return &http.Response{Header: http.Header{}}, ""
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res, string(text)
}

func testHoldWebSocket(t *testing.T) {
	t.Parallel()
	s := supervise(t, func(w http.ResponseWriter, r *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil || r.Header.Get("Upgrade") != "websocket" {
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := buffered.ReadString('\n')
		_, _ = io.WriteString(c, "got "+line)
	})
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(true))
	dial := func() *bufio.Reader {
		c, err := net.Dial("tcp", g.http)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello\n")
		return bufio.NewReader(c)
	}
	for range 2 { // the second while an old one lasts
		g.Supervise(s.state(false))
		held := dial()
		eventually(t, "the request is held", func() bool { return g.Held("app") > 0 })
		s.kill()
		s.start()
		g.Supervise(s.state(true))
		res, err := http.ReadResponse(held, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("answer: got %v, %v", res, err)
		}
		if line, err := held.ReadString('\n'); line != "got hello\n" {
			t.Errorf("echo: got %q, %v", line, err)
		}
	}
}

// testHoldFirstStart has a request come before its server was ever there.
func testHoldFirstStart(t *testing.T) {
	t.Parallel()
	s := supervise(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	s.kill()
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(false))
	answer := make(chan string, 1)
	go func() { _, text := g.send(t, "POST", "a.test", strings.NewReader("x")); answer <- text }()
	eventually(t, "the request is held", func() bool { return g.Held("app") > 0 })
	s.start()
	g.Supervise(s.state(true))
	if got := <-answer; got != "hello" {
		t.Errorf("answer: got %q", got)
	}
}

// testHoldRestartsItself has a server restart without its supervisor, as one does that
// watches its own files.
func testHoldRestartsItself(t *testing.T) {
	t.Parallel()
	s := supervise(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(true))
	for range 2 {
		if _, text := g.send(t, "GET", "a.test", nil); text != "hello" {
			t.Fatalf("answer: got %q", text)
		}
		s.kill()
		answer := make(chan string, 1)
		go func() { _, text := g.send(t, "POST", "a.test", strings.NewReader("x")); answer <- text }()
		eventually(t, "the request is held", func() bool { return g.Held("app") > 0 })
		s.start()
		if got := <-answer; got != "hello" {
			t.Errorf("answer: got %q", got)
		}
	}
}

func testHoldClientLeaves(t *testing.T) {
	t.Parallel()
	s := supervise(t, func(http.ResponseWriter, *http.Request) {})
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(false))
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	left := make(chan error, 1)
	go func() {
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.http, nil)
		r.Host = "a.test"
		_, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		left <- err
	}()
	eventually(t, "the request is held", func() bool { return g.Held("app") > 0 })
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("error: got %v", err)
	}
	eventually(t, "its place is free", func() bool { return g.Held("app") == 0 })
}

// problemOf is an answer's problem.
func problemOf(t *testing.T, res *http.Response, text string) (detail, hint string) {
	t.Helper()
	var p struct{ Detail, Hint string }
	err := json.Unmarshal([]byte(text), &p)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("answer: got %d %v %q", res.StatusCode, res.Header, text)
	}
	return p.Detail, p.Hint
}

func testHoldTime(t *testing.T) {
	t.Parallel()
	s := supervise(t, func(http.ResponseWriter, *http.Request) {})
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	state := s.state(false)
	state.Hold, state.Hint = 20*time.Millisecond, "look at its log"
	g.Supervise(state)
	res, text := g.send(t, "GET", "a.test", nil)
	if detail, hint := problemOf(t, res, text); detail != "app is being started anew, held 20ms" || hint != "look at its log" {
		t.Errorf("problem: got %q, %q", detail, hint)
	}
}

// testHoldFailed has a server that will not be up by itself: nothing waits for it, and what
// waits already is answered.
func testHoldFailed(t *testing.T) {
	t.Parallel()
	s := supervise(t, func(http.ResponseWriter, *http.Request) {})
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(false))
	answer := make(chan string, 1)
	go func() {
		res, text := g.send(t, "GET", "a.test", nil)
		detail, _ := problemOf(t, res, text)
		answer <- detail
	}()
	eventually(t, "the request is held", func() bool { return g.Held("app") > 0 })
	failed := s.state(false)
	failed.Hold, failed.Detail = 0, "app ended with status 1"
	g.Supervise(failed)
	if got := <-answer; !strings.HasPrefix(got, "app ended with status 1") {
		t.Errorf("problem: got %q", got)
	}
}

func testHoldTooMany(t *testing.T) {
	t.Parallel()
	s := supervise(t, func(http.ResponseWriter, *http.Request) {})
	g := start(t, compose(route("app", "Host(`a.test`)", "http://"+s.address)...))
	g.Supervise(s.state(false))
	ctx, leave := context.WithCancel(t.Context())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var wg sync.WaitGroup
	for range supervision.MaxHeld {
		wg.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.http, nil)
			r.Host = "a.test"
			if res, err := client.Do(r); err == nil {
				_ = res.Body.Close()
				t.Errorf("answer: got %d before its client left", res.StatusCode)
			}
		})
	}
	eventually(t, "all requests are held", func() bool { return g.Held("app") == supervision.MaxHeld })
	res, text := g.send(t, "GET", "a.test", nil)
	if detail, _ := problemOf(t, res, text); !strings.Contains(detail, "1000 requests wait for it already") {
		t.Errorf("problem: got %q", detail)
	}
	leave()
	wg.Wait()
}
