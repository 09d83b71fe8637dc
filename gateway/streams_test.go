package gateway_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is an HTTP/2 client that sends what it is given, whether or not it is sound.
type frames struct {
	t    *testing.T
	conn net.Conn
	*http2.Framer
	next uint32
	away bool // the server takes no more streams
}

// speak begins HTTP/2 on a connection.
func speak(t *testing.T, c net.Conn) *frames {
	t.Helper()
	_ = c.SetDeadline(deadline())
	t.Cleanup(func() { _ = c.Close() })
	f := &frames{t: t, conn: c, Framer: http2.NewFramer(c, c), next: 1}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := c.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return f
}

// h2c and h2 speak HTTP/2 to the stack's entrypoints.
func (s *stack) h2c() *frames {
	c, err := net.Dial("tcp", s.http)
	if err != nil {
		s.t.Fatal(err)
	}
	return speak(s.t, c)
}

func (s *stack) h2(host string) *frames {
	c, err := tls.Dial("tcp", s.secure, &tls.Config{RootCAs: s.RootPool(), ServerName: host, NextProtos: []string{"h2"}})
	if err != nil {
		s.t.Fatal(err)
	}
	return speak(s.t, c)
}

// open sends the header of a request, and returns its stream.
func (f *frames) open(end bool, header ...string) uint32 {
	f.t.Helper()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for i := 0; i < len(header); i += 2 {
		_ = enc.WriteField(hpack.HeaderField{Name: header[i], Value: header[i+1]})
	}
	id, text := f.next, block.Bytes()
	f.next += 2
	const part = 16 << 10
	first := text[:min(len(text), part)]
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end,
		EndHeaders: len(text) <= part}); err != nil {
		f.t.Fatal(err)
	}
	for text = text[len(first):]; len(text) > 0; {
		next := text[:min(len(text), part)]
		text = text[len(next):]
		if err := f.WriteContinuation(id, len(text) == 0, next); err != nil {
			f.t.Fatal(err)
		}
	}
	return id
}

// status is what becomes of a stream: its answer's status, or "reset", or "closed".
func (f *frames) status(id uint32) string {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if frame.StreamID == id {
				return frame.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == id {
				return "reset"
			}
		case *http2.GoAwayFrame:
			f.away = true
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.WriteSettingsAck()
			}
		}
	}
}

// pseudo are the fields that every request begins with.
func pseudo(method, scheme, authority, path string) []string {
	return []string{":method", method, ":scheme", scheme, ":authority", authority, ":path", path}
}

// TestMalformedStreams refuses requests that would come to a server as others: the
// fields of HTTP/2 and HTTP/3 hold what no line of HTTP/1.1 can.
func TestMalformedStreams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, method, authority, path string }{
		{"method with a target", "GET /evil HTTP/1.1", "a.localhost", "/"},
		{"method with a space", "GET ", "a.localhost", "/"},
		{"method with a bracket", "GE(T", "a.localhost", "/"},
		{"authority with a space", "GET", "a.localhost evil", "/"},
		{"authority with a path", "GET", "a.localhost/evil", "/"},
		{"authority with a user", "GET", "u@a.localhost", "/"},
		{"query with a version", "GET", "a.localhost", "/?x HTTP/1.1"},
		{"asterisk", "GET", "a.localhost", "*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := record(t)
			s := start(t, compose(append(route("a", "PathPrefix(`/`)", server.url), route("b", "Host(`a.localhost`) || PathPrefix(`/`)",
				server.url, "tls=true")...)...))
			for name, f := range map[string]*frames{"http": s.h2c(), "https": s.h2("a.localhost")} {
				for range 2 { // the connection goes on
					got := f.status(f.open(true, pseudo(tt.method, name, tt.authority, tt.path)...))
					// For some authorities the library itself resets the stream.
					if got != "400" && (got != "reset" || !strings.HasPrefix(tt.name, "authority")) {
						t.Errorf("%s: got %s, want 400", name, got)
					}
				}
				if got := f.status(f.open(false, ":method", "CONNECT", ":authority", "a.localhost:80")); got != "501" {
					t.Errorf("%s: CONNECT: got %s, want 501", name, got)
				}
				if got := f.status(f.open(true, pseudo("GET", name, "a.localhost", "/ok")...)); got != "200" {
					t.Errorf("%s: then a sound one: got %s, want 200", name, got)
				}
			}
			_ = s.Close(t.Context())
			for _, got := range server.all() {
				if strings.Contains(got, "evil") || strings.Contains(got, "HTTP/1.1 HTTP/1.1") || strings.Contains(got, "(") {
					t.Errorf("the server got %q", got)
				}
			}
		})
	}
}

// TestMalformedQUIC is the same over HTTP/3, as far as the client lets it pass.
func TestMalformedQUIC(t *testing.T) {
	t.Parallel()
	server := record(t)
	s := start(t, compose(route("a", "Host(`a.localhost`) || PathPrefix(`/`)", server.url, "tls=true")...))
	tr := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}}
	defer tr.Close()
	for range 2 {
		for name, change := range map[string]func(*http.Request){
			"method": func(r *http.Request) { r.Method = "GET /evil HTTP/1.1" },
			"query":  func(r *http.Request) { r.URL.RawQuery = "x HTTP/1.1" },
		} {
			req, err := http.NewRequest("GET", "https://"+s.secure+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "a.localhost"
			change(req)
			res, err := tr.RoundTrip(req)
			if err != nil {
				continue // the client itself refused it
			}
			_ = res.Body.Close()
			want(t, name, res.StatusCode, http.StatusBadRequest)
		}
	}
	_ = s.Close(t.Context())
	for _, got := range server.all() {
		if strings.Contains(got, "evil") {
			t.Errorf("the server got %q", got)
		}
	}
}

// TestHeaderLimit takes headers up to Traefik's limit, by each protocol.
func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	size := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(strconv.Itoa(len(r.Header.Get("X-Long")))))
	})
	s := start(t, compose(append(route("a", "Host(`a.localhost`)", size), route("b", "Host(`a.localhost`)", size, "tls=true")...)...))
	quic := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootPool(), ServerName: "a.localhost"}}
	defer quic.Close()
	plain := &http.Protocols{}
	plain.SetUnencryptedHTTP2(true)
	h2c := &http.Transport{Protocols: plain}
	defer h2c.CloseIdleConnections()
	for name, by := range map[string]struct {
		url string
		http.RoundTripper
	}{
		"HTTP/1":     {"http://a.localhost/", s.client().Transport},
		"HTTP/1 TLS": {"https://a.localhost/", s.client().Transport},
		"HTTP/2":     {"https://a.localhost/", s.client("h2").Transport},
		"h2c":        {"http://" + s.http + "/", h2c},
		"HTTP/3":     {"https://" + s.secure + "/", quic},
	} {
		t.Run(name, func(t *testing.T) {
			for _, tt := range []struct{ size, status int }{{300 << 10, 200}, {900 << 10, 200}, {1200 << 10, 431}, {300 << 10, 200}} {
				req, err := http.NewRequest("GET", by.url, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Host = "a.localhost"
				req.Header.Set("X-Long", strings.Repeat("x", tt.size))
				res, err := by.RoundTrip(req)
				if err != nil {
					if tt.status == 431 && strings.Contains(err.Error(), "limit") {
						continue // the client knows the limit, and sends nothing
					}
					t.Fatalf("%d bytes: %v", tt.size, err)
				}
				_ = res.Body.Close()
				if res.StatusCode != tt.status {
					t.Errorf("%d bytes: got %d, want %d", tt.size, res.StatusCode, tt.status)
				}
			}
		})
	}
	for name, f := range map[string]*frames{"http": s.h2c(), "https": s.h2("a.localhost")} {
		header := pseudo("GET", name, "a.localhost", "/")
		for range 12 {
			header = append(header, "x-long", strings.Repeat("x", 100<<10))
		}
		if got := f.status(f.open(true, header...)); got != "431" && got != "closed" { // closed where more than a frame is too much
			t.Errorf("%s: a client that minds no limit: got %s, want 431", name, got)
		}
	}
}
