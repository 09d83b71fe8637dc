package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestUnreadBodyKeepsConnection has a server answer requests whose bodies the gateway has
// as a whole, but does not take them. What the gateway ends then is its own sending: the
// client's connection serves further requests, whose clients have not left.
func TestUnreadBodyKeepsConnection(t *testing.T) {
	t.Parallel()
	l := port0(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(deadline())
				r := bufio.NewReader(c)
				if _, err := http.ReadRequest(r); err == nil {
					_, _ = fmt.Fprint(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
					<-t.Context().Done() // it reads no more, until the test's end
				}
			}()
		}
	}()
	refusing := "http://" + l.Addr().String()
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "second") })
	labels := append(route("buffering", "Host(`buffering.localhost`)", refusing, "middlewares=buffering"),
		route("retry", "Host(`retry.localhost`)", refusing, "middlewares=retry")...)
	labels = append(labels, route("ok", "Host(`ok.localhost`)", page)...)
	labels = append(labels, "http.middlewares.buffering.buffering.maxrequestbodybytes=100000000",
		"http.middlewares.retry.retry.attempts=2", "http.middlewares.retry.retry.status=503",
		"http.middlewares.retry.retry.maxrequestbodybytes=100000000")
	s := start(t, compose(labels...))
	for _, host := range []string{"buffering", "retry"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			w := dialWire(t, s.http)
			const size = 24 << 20
			_, _ = fmt.Fprintf(w, "PUT / HTTP/1.1\r\nHost: %s.localhost\r\nContent-Length: %d\r\n\r\n", host, size)
			_, _ = io.Copy(w, io.LimitReader(endless{}, size))
			for _, step := range []struct {
				request string
				status  int
			}{{"", 503}, {"GET / HTTP/1.1\r\nHost: ok.localhost\r\n\r\n", 200}} {
				_, _ = io.WriteString(w, step.request)
				res, err := http.ReadResponse(w.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(res.Body)
				if res.StatusCode != step.status {
					t.Errorf("got %d %s, want %d", res.StatusCode, body, step.status)
				}
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestBodyTooSlowPage shows the error page for a body that does not come: that its
// deadline ended the request does not end the asking for the page.
func TestBodyTooSlowPage(t *testing.T) {
	t.Parallel()
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") })
	labels := append(route("slow", "Host(`slow.localhost`)", serve(t, reader), "middlewares=page"),
		route("pages", "Host(`pages.localhost`)", page)...)
	labels = append(labels, "http.middlewares.page.errors.status=408", "http.middlewares.page.errors.service=pages",
		"http.middlewares.page.errors.query=/")
	s := start(t, withEntries(labels, entry(t, "ep", brief+"readtimeout=300ms")))
	w := dialWire(t, s.entrypoint("ep"))
	_, _ = io.WriteString(w, "POST / HTTP/1.1\r\nHost: slow.localhost\r\nContent-Length: 100000\r\n\r\nabc")
	res, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	want(t, "status", res.StatusCode, http.StatusRequestTimeout)
	want(t, "the page", strings.Contains(string(body), "the page"), true)
}
