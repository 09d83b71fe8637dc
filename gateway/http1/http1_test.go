package http1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"axion/gateway/http1"
)

const get = "GET /a%2Fb?x=1;y HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n"

// TestAnswers are raw answers of a server, and what the client sees of them.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  string
		want    []string
		without []string
	}{
		"Length": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-a: 1\r\nX-A: 2\r\n\r\nhi",
			[]string{"200 OK", "X-A: 1\r\nX-A: 2", "Content-Length: 2", "\r\n\r\nhi"}, nil},
		"UntilClose": {"HTTP/1.1 200 OK\r\n\r\nall of it", []string{"all of it"}, nil},
		"HTTP10":     {"HTTP/1.0 200 OK\r\n\r\nold", []string{"200 OK", "old"}, nil},
		"Chunked": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=\"x\"\r\nhi\r\n4\r\n you\r\n0\r\n\r\n",
			[]string{"hi", "you"}, []string{"502"}},
		"Trailer": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n",
			[]string{"Trailer: X-Sum", "0\r\nX-Sum: 7\r\n"}, nil},
		"Informational": {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			[]string{"HTTP/1.1 103", "Link: </a>", "HTTP/1.1 200"}, nil},
		"HopByHop": {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n\r\n",
			[]string{"200 OK"}, []string{"X-Mine", "Keep-Alive"}},
		"NoContent":       {"HTTP/1.1 204 No Content\r\n\r\nbogus", []string{"204 No Content"}, []string{"bogus"}},
		"NotModified":     {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nbogus", []string{"304 Not Modified"}, []string{"bogus"}},
		"ErrBothFramings": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []string{"502"}, nil},
		"ErrTwoLengths":   {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", []string{"502"}, nil},
		"ErrNegative":     {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", []string{"502"}, nil},
		"ErrPlus":         {"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", []string{"502"}, nil},
		"ErrBareLF":       {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", []string{"502"}, nil},
		"ErrFold":         {"HTTP/1.1 200 OK\r\nX-A: 1\r\n folded\r\nContent-Length: 0\r\n\r\n", []string{"502"}, nil},
		"ErrSpaceInName":  {"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", []string{"502"}, nil},
		"ErrBareCR":       {"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", []string{"502"}, nil},
		"ErrEncoding":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", []string{"502"}, nil},
		"ErrStatus":       {"HTTP/1.1 20 OK\r\n\r\n", []string{"502"}, nil},
		"ErrVersion":      {"HTTP/2.0 200 OK\r\n\r\n", []string{"502"}, nil},
		"ErrGarbage":      {"SSH-2.0-OpenSSH\r\n\r\n", []string{"502"}, nil},
		"ErrSwitching":    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", []string{"502"}, nil},
		"ErrHints":        {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 40), []string{"502"}, nil},
		"ErrEmpty":        {"", []string{"502"}, nil},
		"ErrHalfHead":     {"HTTP/1.1 200 OK\r\nContent-", []string{"502"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := front(t, upstream(t, func(c net.Conn, r *bufio.Reader) {
				_ = readHead(r)
				_, _ = io.WriteString(c, tt.answer)
			}))
			got := exchange(t, address, get)
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, which lacks %q", got, want)
				}
			}
			for _, without := range tt.without {
				if strings.Contains(got, without) {
					t.Errorf("got %q, which holds %q", got, without)
				}
			}
		})
	}
}

// TestCutShort ends an answer in its middle: the client must see that.
func TestCutShort(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"ErrLength":    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		"ErrChunk":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nhalf",
		"ErrLastChunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"ErrChunkSize": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
		"ErrChunkSign": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx",
		"ErrChunkEnd":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhiX\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := front(t, upstream(t, func(c net.Conn, r *bufio.Reader) {
				_ = readHead(r)
				_, _ = io.WriteString(c, answer)
			}))
			res, err := http.Get("http://" + address)
			if err != nil {
				return // before the head was through
			}
			defer http.DefaultClient.CloseIdleConnections()
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("got %q as the whole", body)
			}
		})
	}
}

// TestRequest is what a server sees of a request.
func TestRequest(t *testing.T) {
	t.Parallel()
	saw := make(chan string, 1)
	target := upstream(t, func(c net.Conn, r *bufio.Reader) {
		saw <- readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	address := front(t, target)
	exchange(t, address, "GET /a%2Fb?x=1;y HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n"+
		"TE: trailers, deflate\r\nX-Forwarded-For: 1.1.1.1\r\nProxy-Authorization: secret\r\nCookie: a=b\r\n\r\n")
	got := <-saw
	for _, want := range []string{"GET /a%2Fb?x=1;y HTTP/1.1\r\nHost: shop.localhost\r\n", "Te: trailers\r\n",
		"X-Forwarded-For: 1.1.1.1, 127.0.0.1\r\n", "Cookie: a=b\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the server saw %q, which lacks %q", got, want)
		}
	}
	for _, without := range []string{"X-Mine", "Proxy-Authorization", "deflate", "Content-Length"} {
		if strings.Contains(got, without) {
			t.Errorf("the server saw %q, which holds %q", got, without)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d %v %s %d", n, err, r.Trailer.Get("X-Sum"), r.ContentLength)
	}))
	t.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	address := front(t, &http1.Target{URL: u, PassHost: true})
	for name, tt := range map[string]struct {
		size    int
		chunked bool
		want    string
	}{"Small": {100, false, "100 <nil>  100"}, "Large": {1 << 20, false, "1048576 <nil>  1048576"},
		"Chunked": {1 << 18, true, "262144 <nil> 7 -1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 { // the connections are used again
				var body io.Reader = strings.NewReader(strings.Repeat("x", tt.size))
				if tt.chunked {
					body = struct{ io.Reader }{body}
				}
				req, _ := http.NewRequest("POST", "http://"+address, body)
				if tt.chunked {
					req.Trailer = http.Header{"X-Sum": {"7"}}
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				got, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if string(got) != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
}

// TestContinue holds the body back until the server asks for it.
func TestContinue(t *testing.T) {
	t.Parallel()
	const request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		address := front(t, upstream(t, func(c net.Conn, r *bufio.Reader) {
			_ = readHead(r)
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			body := make([]byte, 4)
			_, _ = io.ReadFull(r, body)
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n%s", body)
		}))
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(idleTimeout))
		_, _ = io.WriteString(c, request)
		r := bufio.NewReader(c)
		if got := readHead(r); !strings.HasPrefix(got, "HTTP/1.1 100") {
			t.Fatalf("got %q, want 100", got)
		}
		_, _ = io.WriteString(c, "body")
		if rest, _ := io.ReadAll(r); !strings.HasSuffix(string(rest), "body") {
			t.Errorf("got %q", rest)
		}
	})
	t.Run("ErrRefused", func(t *testing.T) {
		t.Parallel()
		address := front(t, upstream(t, func(c net.Conn, r *bufio.Reader) {
			_ = readHead(r)
			_, _ = io.WriteString(c, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")
		}))
		if got := exchange(t, address, request); !strings.HasPrefix(got, "HTTP/1.1 417") || strings.Contains(got, "100 Continue") {
			t.Errorf("got %q, want 417 alone", got)
		}
	})
}

// TestEarlyAnswer refuses an upload while it is going on.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	address := front(t, upstream(t, func(c net.Conn, r *bufio.Reader) {
		_ = readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
	}))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(idleTimeout))
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nbegin")
	r := bufio.NewReader(c)
	if got := readHead(r); !strings.HasPrefix(got, "HTTP/1.1 413") {
		t.Errorf("got %q, want 413", got)
	}
}

// TestStale answers a second request although the server has closed the connection
// in between.
func TestStale(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(c net.Conn, r *bufio.Reader) {
		_ = readHead(r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	c := http1.New(http1.Options{})
	defer c.Close()
	for i := range 20 {
		w := httptest.NewRecorder()
		if err := c.Forward(w, httptest.NewRequest("GET", "/", nil), target); err != nil || w.Body.String() != "ok" {
			t.Fatalf("request %d: got %q, %v", i, w.Body.String(), err)
		}
	}
}

// TestLeftover does not use a connection again on which more came than was asked for.
func TestLeftover(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(c net.Conn, r *bufio.Reader) {
		for {
			if readHead(r) == "" {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		}
	})
	c := http1.New(http1.Options{})
	defer c.Close()
	for range 5 {
		w := httptest.NewRecorder()
		if err := c.Forward(w, httptest.NewRequest("GET", "/", nil), target); err != nil || w.Body.String() != "ok" {
			t.Fatalf("got %q, %v", w.Body.String(), err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	silent := upstream(t, func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadByte(); _, _ = io.Copy(io.Discard, r) })
	c := http1.New(http1.Options{HeaderTimeout: 50 * time.Millisecond})
	defer c.Close()
	t.Run("ErrTimeout", func(t *testing.T) {
		err := c.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), silent)
		if n, ok := errors.AsType[net.Error](err); !ok || !n.Timeout() {
			t.Errorf("got %v, want a timeout", err)
		}
	})
	t.Run("ErrCanceled", func(t *testing.T) {
		patient := http1.New(http1.Options{})
		defer patient.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := patient.Forward(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil), silent)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the cancellation", err)
		}
	})
	t.Run("ErrDial", func(t *testing.T) {
		err := c.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), &http1.Target{URL: &url.URL{Host: "127.0.0.1:1"}})
		if e, ok := errors.AsType[*http1.Error](err); !ok || !e.Dial {
			t.Errorf("got %v, want a failure to dial", err)
		}
	})
}

// TestStreams hands each event on as it comes.
func TestStreams(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}))
	t.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	address := front(t, &http1.Target{URL: u, FlushInterval: time.Hour})
	res, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	r := bufio.NewReader(res.Body)
	for i := range 3 {
		if line, err := r.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("event %d: got %q, %v", i, line, err)
		}
		_, _ = r.ReadString('\n')
		next <- struct{}{}
	}
}
