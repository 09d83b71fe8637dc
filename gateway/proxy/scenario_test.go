package proxy_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// scenario is what a server does to each of its connections, what a client sends, and
// what it must get, whichever way its request takes to the server.
type scenario struct {
	server  func(c net.Conn, r *bufio.Reader)
	request string
	// client replaces the sending of request.
	client func(t *testing.T, c net.Conn) string
	// times is how often the request is sent, once if zero.
	times   int
	header  time.Duration // responseHeaderTimeout
	want    string        // as transcript writes it
	edit    func(*config.LoadBalancer)
	dialled *dialled // gets the connections to the server; may be nil
}

// both runs scenarios by the client for plain HTTP/1.1, and by that for TLS.
func both(t *testing.T, scenarios map[string]scenario) {
	for name, s := range scenarios {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				address := scripted(t, scheme, s)
				for range max(s.times, 1) {
					c, err := net.Dial("tcp", address)
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					_ = c.SetDeadline(time.Now().Add(patience))
					client := s.client
					if client == nil {
						client = func(t *testing.T, c net.Conn) string {
							_, _ = io.WriteString(c, s.request)
							return transcript(bufio.NewReaderSize(c, 64<<10), strings.HasPrefix(s.request, "HEAD"))
						}
					}
					if got := client(t, c); got != s.want {
						t.Errorf("got %q, want %q", got, s.want)
					}
				}
			})
		}
	}
}

// scripted is a gateway in front of a server that follows a script.
func scripted(t *testing.T, scheme string, s scenario) (address string) {
	t.Helper()
	front := httptest.NewServer(balancerOf(t, scheme, s))
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

// balancerOf is that of a server that follows a script.
func balancerOf(t *testing.T, scheme string, s scenario) *proxy.Balancer {
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
			if scheme == "https" {
				c = tls.Server(c, &tls.Config{Certificates: certificates(), NextProtos: []string{"http/1.1"}})
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(patience))
				s.server(c, bufio.NewReader(c))
			}()
		}
	}()
	limit := config.Duration(s.header)
	opts := proxy.Options{}
	if s.dialled != nil {
		opts.Check = s.dialled.add
	}
	p := proxy.New(opts)
	tr, err := p.Transport(&config.ServersTransport{InsecureSkipVerify: true,
		ForwardingTimeouts: &config.ForwardingTimeouts{ResponseHeaderTimeout: &limit}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	lb := servers(scheme + "://" + l.Addr().String())
	if s.edit != nil {
		s.edit(lb)
	}
	b, err := p.Balancer("svc", lb, tr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// certificates are those of a server for tests.
func certificates() []tls.Certificate {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates
}

// transcript reads answers up to the one that counts: their statuses, what they say
// of themselves in X- headers and trailers, the body, and "cut" where it is not whole.
func transcript(r *bufio.Reader, head bool) string {
	var b strings.Builder
	for {
		method := "GET"
		if head {
			method = "HEAD"
		}
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return strings.TrimSpace(b.String() + " none")
		}
		fmt.Fprintf(&b, "%d%s ", res.StatusCode, marks(res.Header))
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			res.Body = io.NopCloser(r)
		}
		body, err := io.ReadAll(res.Body)
		if kind := res.Header.Get("Content-Type"); strings.HasPrefix(kind, "application/problem") || strings.HasPrefix(kind, "text/plain") &&
			res.StatusCode >= 400 {
			body = problemOf(body)
		}
		if len(body) > 128 {
			body = fmt.Appendf(nil, "%d bytes", len(body))
		}
		b.Write(body)
		b.WriteString(marks(res.Trailer))
		if err != nil && !errors.Is(err, net.ErrClosed) {
			b.WriteString(" cut")
		}
		return strings.TrimSpace(b.String())
	}
}

func problemOf(body []byte) []byte {
	_, detail, _ := strings.Cut(string(body), `"detail":"`)
	detail, _, _ = strings.Cut(detail, `"`)
	return []byte(detail)
}

func marks(h http.Header) string {
	var list []string
	for name, values := range h {
		if strings.HasPrefix(name, "X-") && name != "X-Content-Type-Options" {
			list = append(list, name+"="+short(strings.Join(values, ",")))
		}
		if name == "Set-Cookie" {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		return ""
	}
	slices.Sort(list)
	return "[" + strings.Join(list, " ") + "]"
}

func short(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%d bytes", len(s))
	}
	return s
}

// answers reads each request, with its body, and answers it with text.
func answers(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		for readAll(r) {
			_, _ = io.WriteString(c, text)
		}
	}
}

// answersOnce closes the connection after that.
func answersOnce(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if readAll(r) {
			_, _ = io.WriteString(c, text)
		}
	}
}

// answersHead does not read the body first.
func answersHead(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, r)
		}
	}
}

func readAll(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

const (
	getOne  = "GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n"
	plainOK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	begin   = "POST / HTTP/1.1\r\nHost: a.localhost\r\n"
	silence = "the server closed the connection without an answer"
	tooLong = "the server's answer is malformed: its head is larger than 1 MiB"
)

// TestScenarioAnswers are servers' answers, good and bad.
func TestScenarioAnswers(t *testing.T) {
	t.Parallel()
	both(t, map[string]scenario{
		"Length": {server: answers(plainOK), request: getOne, times: 3, want: "200 ok"},
		"Chunked": {server: answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), request: getOne, times: 3,
			want: "200 ok"},
		"UntilClose": {server: answersOnce("HTTP/1.1 200 OK\r\n\r\nok"), request: getOne, times: 3, want: "200 ok"},
		"Close": {server: answersOnce("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"), request: getOne, times: 3,
			want: "200 ok"},
		"ClosesUnsaid": {server: answersOnce(plainOK), request: getOne, times: 10, want: "200 ok"},
		"NoContent":    {server: answers("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"), request: getOne, times: 3, want: "204[X-A=1]"},
		"NotModified": {server: answers("HTTP/1.1 304 Not Modified\r\nX-A: 1\r\nContent-Length: 7\r\n\r\n"), request: getOne, times: 3,
			want: "304[X-A=1]"},
		"Head": {server: answers("HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 7\r\n\r\n"),
			request: strings.Replace(getOne, "GET", "HEAD", 1), times: 3, want: "200[X-A=1]"},
		"Empty": {server: answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), request: getOne, times: 3, want: "200"},
		"LongLine": {server: answers("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 300<<10) + "\r\nContent-Length: 2\r\n\r\nok"),
			request: getOne, times: 2, want: "200[X-A=307200 bytes] ok"},
		"ManyLines": {server: answers("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1023)+"\r\n", 300) +
			"Content-Length: 2\r\n\r\nok"), request: getOne, times: 2, want: "200[X-A=307199 bytes] ok"},
		"ErrLongLine": {server: answersOnce("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 2<<20) + "\r\n\r\n"), request: getOne,
			want: "502 " + tooLong},
		"ErrManyLines": {server: answersOnce("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1023)+"\r\n", 2000) + "\r\n"),
			request: getOne, want: "502 " + tooLong},
		"ErrNothing":   {server: answersOnce(""), request: getOne, times: 2, want: "502 " + silence},
		"ErrHalfHead":  {server: answersOnce("HTTP/1.1 200 OK\r\nX-A: "), request: getOne, want: "502 " + silence},
		"ErrReset":     {server: resets(""), request: getOne, want: "502 " + silence},
		"ErrResetHead": {server: resets("HTTP/1.1 200 OK\r\nX-A: "), request: getOne, want: "502 " + silence},
		"CutLength":    {server: answersOnce("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"), request: getOne, want: "200 ok cut"},
		"CutChunk": {server: answersOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n5\r\nhal"), request: getOne,
			want: "200 okhal cut"},
		"CutLastChunk": {server: answersOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"), request: getOne,
			want: "200 ok cut"},
		"CutDamaged": {server: answersOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\nhalf\r\n0\r\n\r\n"),
			request: getOne, want: "200 ok cut"},
		"Trailer": {server: answers(
			"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n"), request: getOne, times: 3,
			want: "200 ok[X-Sum=7]"},
		"LateTrailer": {server: answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n"), request: getOne,
			times: 3, want: "200 ok[X-Sum=7]"},
		"LongTrailer": {server: answers("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: " +
			strings.Repeat("7", 10<<10) + "\r\n\r\n"), request: getOne, want: "200 ok[X-Sum=10240 bytes]"},
		"ErrSwitch": {server: answersOnce("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), request: getOne,
			want: "502 the server's answer is malformed: it switches to a protocol that nobody asked for"},
		"Silent":   {server: answersOnceNever, request: getOne, header: 50 * time.Millisecond, want: "504 the server did not answer in time"},
		"Slow":     {server: slow("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok"), request: getOne, times: 2, want: "200 ok"},
		"SlowHead": {server: slow("HTTP/1.1 200 OK\r\nContent-", "Length: 2\r\n\r\nok"), request: getOne, times: 2, want: "200 ok"},
	})
}

// resets writes text and resets the connection.
func resets(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if !readAll(r) {
			return
		}
		_, _ = io.WriteString(c, text)
		if below, ok := c.(*tls.Conn); ok {
			c = below.NetConn()
		}
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

func answersOnceNever(_ net.Conn, r *bufio.Reader) {
	if readAll(r) {
		_, _ = io.Copy(io.Discard, r)
	}
}

// slow answers in parts, longer apart than the flush interval.
func slow(parts ...string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		for readAll(r) {
			for i, part := range parts {
				if i > 0 {
					<-time.After(150 * time.Millisecond)
				}
				_, _ = io.WriteString(c, part)
			}
		}
	}
}
