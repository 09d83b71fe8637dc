package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
)

// TestScenarioInterim are 1xx answers, and requests that ask for them.
func TestScenarioInterim(t *testing.T) {
	t.Parallel()
	hint := "HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n"
	expecting := begin + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
	sticky := func(lb *config.LoadBalancer) {
		lb.Sticky = &config.Sticky{Cookie: &config.Cookie{Name: "at"}}
	}
	both(t, map[string]scenario{
		"Hint":      {server: answers(hint + plainOK), request: getOne, times: 3, want: "103[X-Hint=1] 200 ok"},
		"HintKeeps": {server: answers(hint + plainOK), request: getOne, edit: sticky, want: "103[Set-Cookie X-Hint=1] 200[Set-Cookie] ok"},
		"Hints": {server: answers(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 40) + plainOK), request: getOne, times: 2,
			want: strings.Repeat("102 ", 40) + "200 ok"},
		"HTTP10":     {server: answers(hint + plainOK), request: "GET / HTTP/1.0\r\n\r\n", times: 2, want: "200 ok"},
		"Unasked":    {server: answers("HTTP/1.1 100 Continue\r\n\r\n" + plainOK), request: getOne, times: 2, want: "200 ok"},
		"ErrNoFinal": {server: answersOnce(hint), request: getOne, want: "103[X-Hint=1] 502 " + silence},
		"ExpectAnswered": {server: func(c net.Conn, r *bufio.Reader) {
			if req, err := http.ReadRequest(r); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
				body, _ := io.ReadAll(req.Body)
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
		}, client: expects(expecting, "body"), want: "100 200 body"},
		"ExpectSilence": {server: echoes, client: expects(expecting, "body"), want: "100 200 body"},
		"ExpectAtOnce":  {server: echoes, request: expecting + "body", want: "100 200 body"},
		"ExpectChunked": {server: echoes, request: begin + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
			want: "100 200 body"},
		"ExpectLarge": {server: echoes,
			request: begin + "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), want: "100 200 100000 bytes"},
		"ExpectRefused": {server: refuses("HTTP/1.1 417 Expectation Failed\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"), request: expecting,
			times: 2, want: "417[X-A=1]"},
		"ExpectRefused413": {server: refuses("HTTP/1.1 413 Too Large\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
			request: expecting + "body", times: 2, want: "413[X-A=1]"},
		"ExpectHint": {server: refuses(hint + "HTTP/1.1 401 Unauthorized\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"), request: expecting,
			want: "103[X-Hint=1] 401[X-A=1]"},
	})
}

// refuses answers after the head, and says in the body of the next one if more came.
func refuses(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(c, text)
		}
		if rest, _ := io.ReadAll(r); len(rest) > 0 {
			panic("the body came all the same: " + string(rest))
		}
	}
}

func echoes(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		mark := ""
		if sum := req.Trailer.Get("X-Sum"); sum != "" {
			mark = "X-Sum: " + sum + "\r\n"
		}
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", mark, len(body), body)
	}
}

// expects sends a head, and the body once the gateway says 100.
func expects(head, body string) func(*testing.T, net.Conn) string {
	return func(_ *testing.T, c net.Conn) string {
		_, _ = io.WriteString(c, head)
		r := bufio.NewReader(c)
		line, _ := r.ReadString('\n')
		_, _ = r.ReadString('\n')
		if strings.HasPrefix(line, "HTTP/1.1 100") {
			_, _ = io.WriteString(c, body)
			return "100 " + transcript(r, false)
		}
		return line
	}
}

// TestScenarioBodies are requests with bodies.
func TestScenarioBodies(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 100000)
	both(t, map[string]scenario{
		"Small":   {server: echoes, request: begin + "Content-Length: 4\r\n\r\nbody", times: 3, want: "200 body"},
		"Large":   {server: echoes, request: begin + "Content-Length: 100000\r\n\r\n" + large, times: 3, want: "200 100000 bytes"},
		"Chunked": {server: echoes, request: begin + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", times: 3, want: "200 body"},
		"Trailer": {server: echoes, request: begin + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 7\r\n\r\n",
			times: 3, want: "200[X-Sum=7] body"},
		"NoBody":   {server: echoes, request: begin + "Content-Length: 0\r\n\r\n", times: 3, want: "200"},
		"ErrChunk": {server: echoes, request: begin + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nzz\r\n", want: "400"},
		"Early": {server: answersHead("HTTP/1.1 413 Too Large\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"),
			request: begin + "Content-Length: 100000000\r\n\r\n" + large, times: 2, want: "413[X-A=1]"},
		"EarlyChunk": {server: answersHead("HTTP/1.1 413 Too Large\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"),
			request: begin + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n", times: 2, want: "413[X-A=1]"},
		"EarlyClose": {server: func(c net.Conn, r *bufio.Reader) {
			if _, err := http.ReadRequest(r); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			}
		}, request: begin + "Content-Length: 100000000\r\n\r\n" + "x", times: 2, want: "413[X-A=1]"},
		"EarlyReset": {server: func(c net.Conn, r *bufio.Reader) {
			if _, err := http.ReadRequest(r); err == nil { // the rest stays unread, which resets the connection
				_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			}
		}, request: begin + "Content-Length: 100000000\r\n\r\n" + strings.Repeat(large, 50), times: 8, want: "413[X-A=1]"},
		"SilentSmall": {server: answersOnceNever, request: begin + "Content-Length: 4\r\n\r\nbody", header: 50 * time.Millisecond,
			want: "504 the server did not answer in time"},
		"SilentLarge": {server: answersOnceNever, request: begin + "Content-Length: 100000\r\n\r\n" + large, header: 50 * time.Millisecond,
			want: "504 the server did not answer in time"},
		"SilentChunked": {server: answersOnceNever, request: begin + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
			header: 50 * time.Millisecond, want: "504 the server did not answer in time"},
		"SilentExpect": {server: answersOnceNever, request: begin + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody",
			header: 50 * time.Millisecond, want: "100 504 the server did not answer in time"},
		"SlowUpload": {server: echoes, client: inParts(begin+"Content-Length: 20000\r\n\r\n", large[:10000], large[:10000]),
			header: 100 * time.Millisecond, want: "200 20000 bytes"},
		"BothWays": {server: func(c net.Conn, r *bufio.Reader) {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			var b [1]byte
			for _, err := io.ReadFull(req.Body, b[:]); err == nil; _, err = io.ReadFull(req.Body, b[:]) {
				_, _ = fmt.Fprintf(c, "1\r\n%s\r\n", b[:])
			}
			_, _ = io.WriteString(c, "0\r\n\r\n")
		}, client: func(_ *testing.T, c net.Conn) string {
			_, _ = io.WriteString(c, begin+"Transfer-Encoding: chunked\r\n\r\n")
			r := bufio.NewReader(c)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				return err.Error()
			}
			var got strings.Builder
			for _, letter := range "abc" {
				_, _ = fmt.Fprintf(c, "1\r\n%c\r\n", letter)
				var b [1]byte
				_, _ = io.ReadFull(res.Body, b[:])
				got.Write(b[:])
			}
			_, _ = io.WriteString(c, "0\r\n\r\n")
			rest, err := io.ReadAll(res.Body)
			return fmt.Sprintf("%s%s %v", got.String(), rest, err)
		}, want: "abc <nil>"},
	})
}

// inParts sends head and parts longer apart than the time for an answer's head.
func inParts(parts ...string) func(*testing.T, net.Conn) string {
	return func(_ *testing.T, c net.Conn) string {
		for i, part := range parts {
			if i > 0 {
				<-time.After(150 * time.Millisecond)
			}
			_, _ = io.WriteString(c, part)
		}
		return transcript(bufio.NewReader(c), false)
	}
}
