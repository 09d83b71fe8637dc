package gateway_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestUploadAnsweredEarly has servers refuse uploads that they do not read: the rest of
// such a body is not taken for requests, and the client sees the answer although it
// sends all of the body first.
func TestUploadAnsweredEarly(t *testing.T) {
	t.Parallel()
	var smuggled atomic.Int64
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/upload" {
			smuggled.Add(1)
		}
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_ = http.NewResponseController(w).Flush()
	})
	plain := httptest.NewServer(refuse)
	t.Cleanup(plain.Close)
	h2c := httptest.NewUnstartedServer(refuse)
	h2c.Config.Protocols = &http.Protocols{}
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	t.Cleanup(h2c.Close)
	labels := append(route("plain", "Host(`plain.localhost`)", plain.URL), route("h2c", "Host(`h2c.localhost`)",
		"h2c"+strings.TrimPrefix(h2c.URL, "http"))...)
	for _, name := range []string{"plain", "h2c"} {
		labels = append(labels, "http.routers."+name+"-tls.rule=Host(`"+name+".localhost`)", "http.routers."+name+"-tls.service="+name,
			"http.routers."+name+"-tls.tls=true")
	}
	s := start(t, compose(labels...))
	for _, host := range []string{"plain.localhost", "h2c.localhost"} {
		for _, secure := range []bool{false, true} {
			for _, chunked := range []bool{false, true} {
				for _, first := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%t/%t/%t", host, secure, chunked, first), func(t *testing.T) {
						t.Parallel()
						refusedUpload(t, s.dial(t, host, secure), host, chunked, first)
					})
				}
			}
		}
	}
	t.Cleanup(func() { want(t, "requests from bodies", smuggled.Load(), int64(0)) })
}

// dial connects to the stack, over TLS where it is to be secure.
func (s *stack) dial(t *testing.T, host string, secure bool) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.http)
	if secure {
		c, err = tls.Dial("tcp", s.secure, &tls.Config{RootCAs: s.RootPool(), ServerName: host})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// refusedUpload sends a body that looks like requests, all of it before it reads the
// answer or a part of it. The connection ends without a reset.
func refusedUpload(t *testing.T, c net.Conn, host string, chunked, first bool) {
	body := strings.Repeat("GET /more HTTP/1.1\r\nHost: "+host+"\r\n\r\n", 20_000)
	framing, begin := "Content-Length: "+strconv.Itoa(len(body)+1), ""
	if chunked {
		framing, begin = "Transfer-Encoding: chunked", strconv.FormatInt(int64(len(body))+1, 16)+"\r\n"
	}
	send := func(text string) {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatalf("send: %v", err)
		}
	}
	send("POST /upload HTTP/1.1\r\nHost: " + host + "\r\n" + framing + "\r\n\r\n" + begin)
	if first {
		send(body)
	}
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	want(t, "status", res.StatusCode, http.StatusRequestEntityTooLarge)
	want(t, "the connection ends", res.Close, true)
	if !first {
		send(body)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Errorf("answer: %v", err)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("after the answer: %.80q, %v", rest, err)
	}
}
