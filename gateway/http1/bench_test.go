package http1_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"axion/gateway/http1"
)

func BenchmarkForward(b *testing.B) {
	answer := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 128\r\n\r\n" +
		strings.Repeat("x", 128)
	target := upstream(b, func(c net.Conn, r *bufio.Reader) {
		_ = c.SetDeadline(time.Time{})
		for readHead(r) != "" {
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	})
	c := http1.New(http1.Options{})
	defer c.Close()
	run := func(b *testing.B, h http.Handler) {
		s := httptest.NewServer(h)
		defer s.Close()
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: */*\r\n\r\n")
			_ = readHead(r)
			_, _ = r.Discard(128)
		}
	}
	b.Run("ours", func(b *testing.B) {
		run(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _ = c.Forward(w, r, target) }))
	})
	b.Run("httputil", func(b *testing.B) {
		run(b, httputil.NewSingleHostReverseProxy(target.URL))
	})
}
