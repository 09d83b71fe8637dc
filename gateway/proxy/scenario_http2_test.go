package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// ways are how a server can be asked: each has its own client.
var ways = []string{"http", "https", "h2c"}

// speaker is a real server that is asked one way, and can be started again.
type speaker struct {
	way     string
	address string
	running *http.Server
	ended   chan struct{}
	dialled dialled // by the gateway
}

func speak(t *testing.T, way string, h http.HandlerFunc) *speaker {
	t.Helper()
	s := &speaker{way: way, address: "127.0.0.1:0"}
	s.start(t, h)
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *speaker) start(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	s.address = l.Addr().String()
	s.running, s.ended = &http.Server{Handler: h, MaxHeaderBytes: 4 << 20, Protocols: &http.Protocols{}}, make(chan struct{})
	serve := func() error { return s.running.Serve(l) }
	switch s.way {
	case "https":
		s.running.Protocols.SetHTTP2(true)
		s.running.TLSConfig = &tls.Config{Certificates: certificates()}
		serve = func() error { return s.running.ServeTLS(l, "", "") }
	case "h2c":
		s.running.Protocols.SetUnencryptedHTTP2(true)
	default:
		s.running.Protocols.SetHTTP1(true)
	}
	ended := s.ended
	go func() {
		defer close(ended)
		_ = serve()
	}()
}

func (s *speaker) stop() {
	_ = s.running.Close()
	<-s.ended
}

// behind is a gateway in front of s, which itself speaks HTTP/1.1 or HTTP/2.
func behind(t *testing.T, s *speaker, http2 bool, header time.Duration) *httptest.Server {
	t.Helper()
	limit := config.Duration(header)
	p := proxy.New(proxy.Options{Check: s.dialled.add})
	tr, err := p.Transport(&config.ServersTransport{InsecureSkipVerify: true,
		ForwardingTimeouts: &config.ForwardingTimeouts{ResponseHeaderTimeout: &limit}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	b, err := p.Balancer("svc", servers(s.way+"://"+s.address), tr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	front := httptest.NewUnstartedServer(b)
	front.EnableHTTP2 = http2
	front.StartTLS()
	t.Cleanup(front.Close)
	return front
}

// TestScenarioProtocols runs from HTTP/1.1 and HTTP/2 to HTTP/1.1, HTTP/2 over TLS and
// without it. All must end alike.
func TestScenarioProtocols(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300<<10)
	for name, tt := range map[string]struct {
		server func(w http.ResponseWriter, r *http.Request)
		method string
		body   func() io.Reader
		edit   func(*http.Request)
		header time.Duration
		want   string // status, marks, body and trailer
	}{
		"Get":     {server: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, want: "200 ok"},
		"Head":    {method: "HEAD", server: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", "1") }, want: "200[X-A=1]"},
		"Nothing": {method: "DELETE", server: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, want: "204"},
		"Echo": {method: "POST", body: func() io.Reader { return strings.NewReader("body") },
			server: func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }, want: "200 body"},
		"Trailers": {method: "POST", body: func() io.Reader { return struct{ io.Reader }{strings.NewReader("body")} },
			edit: func(r *http.Request) { r.Trailer = http.Header{"X-Sum": {"7"}} },
			server: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Trailer", "X-Back")
				body, _ := io.ReadAll(r.Body)
				_, _ = w.Write(body)
				w.Header().Set("X-Back", r.Trailer.Get("X-Sum"))
			}, want: "200 body[X-Back=7]"},
		"LateTrailer": {server: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Back", "7")
		}, want: "200 ok[X-Back=7]"},
		"Hints": {server: func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				w.Header().Set("X-Hint", "1")
				w.WriteHeader(103)
				w.Header().Del("X-Hint")
			}
			_, _ = io.WriteString(w, "ok")
		}, want: strings.Repeat("103[X-Hint=1] ", 20) + "200 ok"},
		"LongHead": {server: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", long) }, want: "200[X-A=307200 bytes]"},
		"ErrLongHead": {server: func(w http.ResponseWriter, _ *http.Request) {
			for range 4 {
				w.Header().Add("X-A", long)
			}
		}, want: "502 " + tooLong},
		"ErrAborted": {server: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: "502 " + silence},
		"Cut": {server: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, want: "200 half cut"},
		"CutLength": {server: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, want: "200 half cut"},
		"ErrSilent": {server: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, header: 50 * time.Millisecond,
			want: "504 the server did not answer in time"},
		"ErrSilentUpload": {method: "POST", body: func() io.Reader { return struct{ io.Reader }{strings.NewReader("body")} },
			server: func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
			header: 50 * time.Millisecond, want: "504 the server did not answer in time"},
		"Early": {method: "POST", body: endless, server: func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex() // else net/http waits for the body
			w.Header().Set("Content-Length", "0")
			w.Header().Set("X-A", "1")
			w.WriteHeader(413)
		}, want: "413[X-A=1]"},
		"EarlySilent": {method: "POST", body: silent, server: func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			w.Header().Set("X-A", "1")
			w.WriteHeader(413)
			_ = http.NewResponseController(w).Flush()
		}, want: "413[X-A=1]"},
		"Expect": {method: "POST", body: func() io.Reader { return strings.NewReader("body") },
			edit:   func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
			server: func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }, want: "200 body"},
		"ExpectRefused": {method: "POST", body: func() io.Reader { return strings.NewReader("body") },
			edit:   func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
			server: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", "1"); w.WriteHeader(417) }, want: "417[X-A=1]"},
	} {
		for _, way := range ways {
			for _, front := range []bool{false, true} {
				if name == "Early" && !front {
					continue // net/http's own server may reset what is still sent: entrypoints do not, and are tested
				}
				t.Run(fmt.Sprintf("%s/%s/http2=%t", name, way, front), func(t *testing.T) {
					t.Parallel()
					gateway := behind(t, speak(t, way, tt.server), front, tt.header)
					for range 2 {
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						var hints strings.Builder
						ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
							if code != 100 { // when the client's own side reads is its affair
								fmt.Fprintf(&hints, "%d%s ", code, marks(http.Header(h)))
							}
							return nil
						}})
						var body io.Reader
						if tt.body != nil {
							body = tt.body()
						}
						r, err := http.NewRequestWithContext(ctx, tt.method, gateway.URL, body)
						if err != nil {
							t.Fatal(err)
						}
						if tt.edit != nil {
							tt.edit(r)
						}
						got := outcome(gateway.Client(), r)
						if c, ok := body.(io.Closer); ok {
							_ = c.Close()
						}
						if got = hints.String() + got; got != tt.want {
							t.Errorf("got %q, want %q", got, tt.want)
						}
					}
				})
			}
		}
	}
}

// endless is a body that is not over when it is answered.
func endless() io.Reader {
	r, w := io.Pipe()
	go func() {
		for range 32 {
			if _, err := w.Write(make([]byte, 1024)); err != nil {
				return
			}
		}
	}() // the rest is waited for until the client closes it
	return r
}

func outcome(c *http.Client, r *http.Request) string {
	res, err := c.Do(r)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem") {
		body = problemOf(body)
	}
	got := strings.TrimSpace(fmt.Sprintf("%d%s %s%s", res.StatusCode, marks(res.Header), body, marks(res.Trailer)))
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		got += " cut"
	}
	return got
}

// TestScenarioRestart has a server be started again between requests.
func TestScenarioRestart(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		for _, gentle := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/gentle=%t", way, gentle), func(t *testing.T) {
				t.Parallel()
				echo := func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					_, _ = w.Write(append([]byte("ok "), body...))
				}
				s := speak(t, way, echo)
				gateway := behind(t, s, false, 0)
				methods := []string{"GET", "POST", "PUT", "DELETE"}
				if gentle { // which takes a second
					methods = methods[:2]
				}
				for range 2 {
					for _, method := range methods {
						for _, text := range []string{"", "body"} {
							r, err := http.NewRequestWithContext(t.Context(), method, gateway.URL, strings.NewReader(text))
							if err != nil {
								t.Fatal(err)
							}
							if got, want := outcome(gateway.Client(), r), strings.TrimSpace("200 ok "+text); got != want {
								t.Errorf("%s %q: got %q, want %q", method, text, got, want)
							}
							if gentle {
								_ = s.running.Shutdown(t.Context()) // with GOAWAY, where there is such a thing
							}
							s.stop()
							s.start(t, echo)
							if way != "http" { // the other client looks when it is asked
								s.dialled.untilClosed(t)
							}
						}
					}
				}
			})
		}
	}
}

// silent is a body of which nothing comes until it is closed.
func silent() io.Reader {
	r, _ := io.Pipe()
	return r
}

// TestScenarioAbortedUpload has servers end a request whose body does not come.
func TestScenarioAbortedUpload(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"https", "h2c"} {
		for _, front := range []bool{false, true} {
			for name, length := range map[string]int64{"Small": 100, "Large": 1 << 20, "Unknown": -1} {
				t.Run(fmt.Sprintf("%s/%s/http2=%t", name, way, front), func(t *testing.T) {
					t.Parallel()
					gateway := behind(t, speak(t, way, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), front, 0)
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					body := silent()
					r, err := http.NewRequestWithContext(ctx, "POST", gateway.URL, body)
					if err != nil {
						t.Fatal(err)
					}
					r.ContentLength = length
					if got := outcome(gateway.Client(), r); got != "502 "+silence {
						t.Errorf("got %q", got)
					}
					_ = body.(io.Closer).Close()
				})
			}
		}
	}
}

// TestScenarioHeadTooLarge has the client's head be larger than the server says it takes,
// before and after the gateway knows.
func TestScenarioHeadTooLarge(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.MaxHeaderBytes, s.Config.Protocols = 16<<10, &http.Protocols{}
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	gateway := behind(t, &speaker{way: "h2c", address: s.Listener.Addr().String()}, false, 0)
	for i := range 3 {
		r, err := http.NewRequestWithContext(t.Context(), "GET", gateway.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 { // one that long would end the connection
			r.Header.Set(fmt.Sprint("X-", n), strings.Repeat("a", 1<<10))
		}
		if got := outcome(gateway.Client(), r); !strings.HasPrefix(got, "431") {
			t.Errorf("request %d: got %q", i, got)
		}
	}
}
