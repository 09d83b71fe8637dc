package tcp_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

func TestEmptyTable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tables := tcp.Build(&config.TCP{}, options())
	m := tcp.NewMux(l, tcp.MuxOptions{Table: func() *tcp.Table { return tables.Table(entry) }})
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := m.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(*net.TCPConn); !ok {
		t.Errorf("got a %T, want the connection as it was accepted", c)
	}
	if err := m.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := m.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
}

func TestServerSpeaksFirst(t *testing.T) {
	t.Parallel()
	r := start(t, routes(plain(serve(t, greets))), tcp.MuxOptions{})
	c := r.dial()
	greeting := make([]byte, len("220 hello\n"))
	if _, err := io.ReadFull(c, greeting); err != nil {
		t.Fatalf("no greeting: %v", err)
	}
	mustAsk(t, c, "EHLO x", "smtp EHLO x")
}

func TestPassthrough(t *testing.T) {
	t.Parallel()
	own, gateway := newIdentity(t, "db.localhost"), newIdentity(t, "gateway.localhost")
	server := serve(t, secured(own, named("db")))
	r := start(t, routes(sni("HostSNI(`db.localhost`)", server, true)), tcp.MuxOptions{
		TLS: func(string, string) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{gateway.Certificate}}, nil
		},
	})
	c := tls.Client(r.dial(), &tls.Config{ServerName: "db.localhost", RootCAs: own.pool}) // believes the server's own only
	mustAsk(t, c, "select", "db select")
	if got := get(t, r.dial()); !strings.HasPrefix(got, "http 127.0.0.1:") {
		t.Errorf("got %q, want HTTP of connections without TLS", got)
	}
}

func TestTermination(t *testing.T) {
	t.Parallel()
	gateway := newIdentity(t, "db.localhost")
	asked := make(chan string, 1)
	router := sni("HostSNI(`db.localhost`) && ALPN(`postgresql`)", serve(t, named("db")), false)
	router.TLS.Options = "strict@file"
	r := start(t, routes(router), tcp.MuxOptions{TLS: func(host, options string) (*tls.Config, error) {
		asked <- host + " " + options
		return &tls.Config{Certificates: []tls.Certificate{gateway.Certificate}}, nil
	}})
	c := tls.Client(r.dial(), &tls.Config{ServerName: "DB.localhost", RootCAs: gateway.pool, NextProtos: []string{"postgresql"}})
	mustAsk(t, c, "select", "db select")
	if got := <-asked; got != "db.localhost strict@file" {
		t.Errorf("got %q asked of TLS", got)
	}
	if got := c.ConnectionState().NegotiatedProtocol; got != "postgresql" {
		t.Errorf("got protocol %q, want the client's", got)
	}
}

// TestPrecedence checks who takes a TLS connection: by the certificate that the
// client sees, of the router's server or of none where HTTP has it.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	any, name := newIdentity(t, "any.server"), newIdentity(t, "name.server")
	toAny, toName := serve(t, secured(any, named("any"))), serve(t, secured(name, named("name")))
	claims := map[string]tcp.HostPriority{"http.localhost": tcp.HostPriorityNamed, "both.localhost": tcp.HostPriorityNamed}
	for _, tt := range []struct {
		name, host string
		otherwise  tcp.HostPriority
		alpn       []string
		want       string
	}{
		{"TCPName", "db.localhost", tcp.HostPriorityAny, nil, "name.server"},
		{"HTTPName", "http.localhost", tcp.HostPriorityNone, nil, ""},
		{"HTTPNameBeforeTCPName", "both.localhost", tcp.HostPriorityNone, nil, ""},
		{"HTTPAnyBeforeCatchAll", "other.localhost", tcp.HostPriorityAny, nil, ""},
		{"CatchAll", "other.localhost", tcp.HostPriorityNone, nil, "any.server"},
		{"NoName", "", tcp.HostPriorityNone, nil, "any.server"},
		{"ACME", "db.localhost", tcp.HostPriorityNone, []string{"acme-tls/1"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, routes(sni("HostSNI(`*`)", toAny, true), sni("HostSNI(`db.localhost`) || HostSNI(`both.localhost`)", toName, true)),
				tcp.MuxOptions{
					Secure: func() bool { return true },
					HTTPWants: func(host string) tcp.HostPriority {
						if c, ok := claims[host]; ok {
							return c
						}
						return tt.otherwise
					},
				})
			got := ""
			if c, err := r.secure(tt.host, tt.alpn...); err == nil {
				got = c.ConnectionState().PeerCertificates[0].Subject.CommonName
			} else if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok { // what plain HTTP answers to TLS
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPlainBesideHTTPS(t *testing.T) {
	t.Parallel()
	r := start(t, routes(plain(serve(t, named("db")))), tcp.MuxOptions{Secure: func() bool { return true }})
	mustAsk(t, r.dial(), "select", "db select")
	_, err := r.secure("a.localhost")
	if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
		t.Errorf("got %v, want TLS to be left to HTTP", err)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	one, two := serve(t, named("one")), serve(t, named("two"))
	r := start(t, &config.TCP{}, tcp.MuxOptions{})
	if got := get(t, r.dial()); !strings.HasPrefix(got, "http ") {
		t.Fatalf("got %q, want HTTP before there are routers", got)
	}
	r.put(routes(plain(one)))
	first := r.dial()
	mustAsk(t, first, "a", "one a")
	r.put(routes(plain(two)))
	mustAsk(t, r.dial(), "b", "two b")
	mustAsk(t, first, "c", "one c")
	r.put(&config.TCP{})
	if got := get(t, r.dial()); !strings.HasPrefix(got, "http ") {
		t.Errorf("got %q, want HTTP after the routers have gone", got)
	}
	mustAsk(t, first, "d", "one d")
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	taken := make(chan net.Conn, 2)
	r := start(t, routes(plain(serve(t, named("db")))), tcp.MuxOptions{Taken: func(c net.Conn) { taken <- c }})
	c, other := r.dial(), r.dial()
	mustAsk(t, c, "a", "db a")
	mustAsk(t, other, "a", "db a")
	if at, ok := (<-taken).(*net.TCPConn); !ok || len(taken) != 1 {
		t.Errorf("got %T and %d more told of, want both as they were accepted", at, len(taken))
	}
	if got := r.mux.Open(); got != 2 {
		t.Errorf("got %d connections, want 2", got)
	}
	if err := r.mux.Close(); err != nil {
		t.Fatal(err)
	}
	mustAsk(t, c, "b", "db b") // it goes on
	if _, err := net.Dial("tcp", r.addr); err == nil {
		t.Error("a connection was accepted after Close")
	}
	other.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := r.mux.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline to pass", err)
	}
	ended(t, c)
	if got := r.mux.Open(); got != 0 {
		t.Errorf("got %d connections, want none", got)
	}
}

// TestTransfer sends enough for every way of copying.
func TestTransfer(t *testing.T) {
	t.Parallel()
	const size = 40 << 20
	digest := func(c net.Conn) {
		h := sha256.New()
		if _, err := io.CopyN(h, c, size); err == nil {
			_, _ = c.Write(h.Sum(nil))
		}
	}
	gateway := newIdentity(t, "db.localhost")
	address := serve(t, digest)
	c := routes(plain(address))
	c.Routers["tls"] = &config.TCPRouter{EntryPoints: []string{entry}, Rule: "HostSNI(`db.localhost`)", Service: "to-" + address,
		TLS: &config.RouterTLS{}}
	r := start(t, c, tcp.MuxOptions{TLS: func(string, string) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{gateway.Certificate}}, nil
	}})
	for name, dial := range map[string]func(*testing.T) net.Conn{
		"Plain": func(*testing.T) net.Conn { return r.dial() },
		"TLS": func(t *testing.T) net.Conn {
			c, err := r.secure("db.localhost")
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t)
			h := sha256.New()
			block := make([]byte, 1<<20)
			for i := range size / len(block) {
				block[0], block[len(block)-1] = byte(i), byte(i)
				h.Write(block)
				if _, err := c.Write(block); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]byte, sha256.Size)
			if _, err := io.ReadFull(c, got); err != nil || string(got) != string(h.Sum(nil)) {
				t.Errorf("got another digest, %v", err)
			}
		})
	}
}
