package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"axion/gateway"
)

func TestServe(t *testing.T) {
	t.Parallel()
	labels := route("graph", "Host(`graph.localhost`)", upstream(t, "hello"), "tls=true")
	labels = append(labels, route("plain", "Host(`plain.localhost`) && PathPrefix(`/a`)", upstream(t, "plain"))...)
	labels = append(labels, route("bank", "Host(`bank.example`)", upstream(t, "bank"), "tls=true")...)
	s := start(t, compose(labels...), func(g *gateway.Gateway) { g.SetWait(time.Millisecond) })

	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run("OK/"+protocol, func(t *testing.T) {
			t.Parallel()
			resp, err := s.client(protocol).Get("https://graph.localhost/")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			want(t, "body", string(body), "hello")
			want(t, "protocol", resp.ProtoMajor == 2, protocol == "h2")
		})
	}
	for _, tt := range []struct {
		name, url string
		status    int
		body      string
	}{
		{"OK/plain", "http://plain.localhost/a/b", 200, "plain"},
		{"OK/trailing dot", "http://plain.localhost./a", 200, "plain"},
		{"ErrNoPath", "http://plain.localhost/b", 404, "404 page not found\n"},
		{"ErrNoHost", "http://other.localhost/", 404, "404 page not found\n"},
		{"ErrTLSRouterOnPlain", "http://graph.localhost/", 404, "404 page not found\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, body := get(t, s.client(), tt.url)
			want(t, "status", status, tt.status)
			want(t, "body", body, tt.body)
		})
	}
	t.Run("ErrUnknownHost", func(t *testing.T) {
		t.Parallel()
		for _, host := range []string{"other.localhost", "plain.localhost", "localhost"} {
			for _, protocol := range []string{"http/1.1", "h2"} {
				resp, err := s.client(protocol).Get("https://" + host + "/") // by a certificate that is trusted
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				want(t, "status", resp.StatusCode, 404)
				want(t, "body", string(body), "404 page not found\n")
			}
		}
	})
	t.Run("ErrForeignNameIsNotTrusted", func(t *testing.T) {
		t.Parallel()
		if _, err := s.client().Get("https://bank.example/"); err == nil || !strings.Contains(err.Error(), "not permitted") {
			t.Errorf("error: got %v, want a violated name constraint", err)
		}
	})
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("any", "PathPrefix(`/`)", upstream(t, "ok"))...))
	for request, status := range map[string]int{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                                             200,
		"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n":                                          400,
		"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n":                                          400,
		"GET / HTTP/1.1\r\n\r\n":                                                        400,
		"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n":                                 501,
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 1100<<10) + "\r\n\r\n": 431,
	} {
		t.Run(fmt.Sprint(status, " ", request[:12]), func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", s.http)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			go func() { _, _ = io.WriteString(c, request) }()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "status", resp.StatusCode, status)
		})
	}
}

func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r })
	labels := route("graph", "Host(`graph.localhost`)", url, "tls=true")
	labels = append(labels, route("own", "Host(`own.localhost`)", url)...)
	labels = append(labels, "http.services.own.loadbalancer.passhostheader=false")
	s := start(t, compose(labels...))

	req, _ := http.NewRequest("GET", "https://graph.localhost/p?a;b=1", nil)
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Real-Ip", "Forwarded"} {
		req.Header.Set(name, "forged")
	}
	req.Header.Set("Authorization", "Bearer t")
	req.Header.Set("X-Drop", "me")
	req.Header.Set("Connection", "X-Drop, X-Forwarded-Proto")
	resp, err := s.client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	got := <-seen
	for name, value := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Proto": "https",
		"X-Forwarded-Port": "443", "X-Forwarded-Host": "graph.localhost", "X-Forwarded-Prefix": "",
		"Forwarded": "", "X-Drop": "", "Authorization": "Bearer t",
	} {
		want(t, name, got.Header.Get(name), value)
	}
	want(t, "host", got.Host, "graph.localhost")
	want(t, "query", got.URL.RawQuery, "a&b=1")

	if resp, err = s.client().Get("http://own.localhost/"); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	want(t, "host without passhostheader", (<-seen).Host, strings.TrimPrefix(url, "http://"))
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	proto := make(chan string, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		proto <- r.Header.Get("X-Forwarded-Proto")
		c, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, data, err := c.ReadMessage()
			if err != nil {
				return
			}
			_ = c.WriteMessage(kind, data)
		}
	})
	labels := route("graph", "Host(`graph.localhost`)", url, "tls=true", "middlewares=h")
	s := start(t, compose(append(labels, "http.middlewares.h.headers.customresponseheaders.X-A=b")...))
	dialer := websocket.Dialer{
		NetDial:          func(string, string) (net.Conn, error) { return net.Dial("tcp", s.secure) },
		TLSClientConfig:  &tls.Config{RootCAs: s.RootPool()},
		HandshakeTimeout: patience,
	}
	c, _, err := dialer.Dial("wss://graph.localhost/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want(t, "X-Forwarded-Proto", <-proto, "wss")
	for _, text := range []string{"one", strings.Repeat("x", 100_000)} {
		if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, data, err := c.ReadMessage()
		if err != nil || string(data) != text {
			t.Fatalf("echo: got %d bytes, %v, want %d", len(data), err, len(text))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := c.ReadMessage(); err == nil {
		t.Error("read after Close: got a message")
	} else if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		t.Error("read after Close: the tunnel is still open")
	}
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	more, left := make(chan struct{}), make(chan struct{})
	s := start(t, compose(route("s", "Host(`s.localhost`)", serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "one\n")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
			close(left)
			return
		}
		<-more
		_, _ = io.WriteString(w, "two\n")
		w.Header().Set("X-Sum", "2")
	}))...))

	t.Run("OK", func(t *testing.T) {
		resp, err := s.client().Get("http://s.localhost/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := bufio.NewReader(resp.Body)
		line, err := body.ReadString('\n')
		if err != nil || line != "one\n" {
			t.Fatalf("first line: got %q, %v", line, err)
		}
		close(more)
		rest, _ := io.ReadAll(body)
		want(t, "rest", string(rest), "two\n")
		want(t, "trailer", resp.Trailer.Get("X-Sum"), "2")
	})
	t.Run("ErrClientGone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://s.localhost/wait", nil)
		resp, err := s.client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		_ = resp.Body.Close()
		await(t, left, "the upstream learns that the client left")
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	// slow starts a gateway and a request that its upstream answers once finish
	// is closed.
	slow := func(t *testing.T) (s *stack, finish chan struct{}, answer <-chan error) {
		begun, finish := make(chan struct{}), make(chan struct{})
		s = start(t, compose(route("slow", "Host(`slow.localhost`)", serve(t, func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			select {
			case <-finish:
			case <-r.Context().Done():
			}
		}))...))
		c, answered := s.client(), make(chan error, 1)
		go func() {
			resp, err := c.Get("http://slow.localhost/")
			if err == nil {
				_ = resp.Body.Close()
			}
			answered <- err
		}()
		await(t, begun, "the request at the upstream")
		return s, finish, answered
	}
	t.Run("OK/Drains", func(t *testing.T) {
		t.Parallel()
		s, finish, answer := slow(t)
		preconnected, err := net.Dial("tcp", s.http)
		if err != nil {
			t.Fatal(err)
		}
		defer preconnected.Close()
		closed := make(chan error, 1)
		go func() { closed <- s.Close(t.Context()) }()
		_ = preconnected.SetReadDeadline(time.Now().Add(patience))
		_, _ = preconnected.Read(make([]byte, 1)) // returns once Close has begun
		close(finish)
		if err := <-answer; err != nil {
			t.Errorf("request under way: %v", err)
		}
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	t.Run("OK/CutsOffTheEndless", func(t *testing.T) {
		t.Parallel()
		s, _, answer := slow(t)
		s.SetDrain(time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if ctx.Err() != nil {
			t.Error("Close took all the time there was")
		}
		<-answer // an error or 499, depending on which end hears first
	})
	t.Run("ErrCutOff", func(t *testing.T) {
		t.Parallel()
		s, _, answer := slow(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Close(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("Close: got %v, want context.Canceled", err)
		}
		<-answer // an error or 499, depending on which end hears first
	})
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "compose.yaml")
	for name, text := range map[string]string{"ErrMissing": "", "ErrMalformed": "services: [\n"} {
		t.Run(name, func(t *testing.T) {
			if text != "" {
				write(t, file, text)
			}
			g, err := gateway.New(gateway.Options{Files: []string{file}, CADir: t.TempDir()})
			if err == nil {
				_ = g.Close(t.Context())
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), "compose.yaml") {
				t.Errorf("error: got %v, want one that names the file", err)
			}
		})
	}
	t.Run("OK/never started", func(t *testing.T) {
		l := port0(t)
		g, err := gateway.New(gateway.Options{Web: l, CADir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("listener after Close: got %v, want net.ErrClosed", err)
		}
	})
	t.Run("ErrListenerLost", func(t *testing.T) {
		l := port0(t)
		g, err := gateway.New(gateway.Options{Web: l, CADir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = g.Close(t.Context()) }()
		g.Start()
		_ = l.Close()
		if err := g.Wait(); err == nil || !strings.Contains(err.Error(), "web") {
			t.Errorf("Wait: got %v, want an error that names the entrypoint", err)
		}
	})
}
