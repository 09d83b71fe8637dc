package tcp_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"axion/gateway/tcp"
)

var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// postgres is a server that speaks second, and TLS only once it was asked to.
func postgres(id identity) func(net.Conn) {
	return func(c net.Conn) {
		start := make([]byte, len(sslRequest))
		if _, err := io.ReadFull(c, start); err != nil {
			return
		}
		if string(start) != string(sslRequest) {
			_, _ = io.WriteString(c, "plain\n")
			return
		}
		_, _ = c.Write([]byte("S"))
		secured(id, named("postgres"))(c)
	}
}

// requestTLS begins TLS as PostgreSQL's clients do.
func requestTLS(t *testing.T, c net.Conn, config *tls.Config) *tls.Conn {
	t.Helper()
	answer := make([]byte, 1)
	if _, err := c.Write(sslRequest); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, answer); err != nil || answer[0] != 'S' {
		t.Fatalf("got %q, %v; want TLS to be agreed on", answer, err)
	}
	return tls.Client(c, config)
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	own, gateway := newIdentity(t, "pg.localhost"), newIdentity(t, "end.localhost")
	server, bare := serve(t, postgres(own)), serve(t, named("bare"))
	r := start(t, routes(sni("HostSNI(`pg.localhost`)", server, true), sni("HostSNI(`end.localhost`)", bare, false)), tcp.MuxOptions{
		TLS: func(string, string) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{gateway.Certificate}}, nil
		},
	})
	t.Run("OKPassthrough", func(t *testing.T) {
		c := requestTLS(t, r.dial(), &tls.Config{ServerName: "pg.localhost", RootCAs: own.pool})
		mustAsk(t, c, "select", "postgres select")
	})
	t.Run("OKTerminated", func(t *testing.T) {
		c := requestTLS(t, r.dial(), &tls.Config{ServerName: "end.localhost", RootCAs: gateway.pool})
		mustAsk(t, c, "select", "bare select")
	})
	t.Run("ErrOtherHost", func(t *testing.T) {
		c := requestTLS(t, r.dial(), &tls.Config{ServerName: "other.localhost", InsecureSkipVerify: true})
		if err := c.Handshake(); err == nil {
			t.Error("a host without router was served")
		}
	})
	t.Run("ErrNoTLS", func(t *testing.T) {
		c := r.dial()
		requestTLS(t, c, &tls.Config{})
		_, _ = io.WriteString(c, "select\n")
		ended(t, c)
	})
	t.Run("ErrPremature", func(t *testing.T) {
		c := r.dial()
		_, _ = c.Write(append(append([]byte{}, sslRequest...), "injected"...))
		ended(t, c)
	})
}

func TestPostgresServerWithoutTLS(t *testing.T) {
	t.Parallel()
	refuses := serve(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, len(sslRequest)))
		_, _ = c.Write([]byte("N"))
		_, _ = io.Copy(io.Discard, c)
	})
	r := start(t, routes(sni("HostSNI(`pg.localhost`)", refuses, true)), tcp.MuxOptions{})
	c := requestTLS(t, r.dial(), &tls.Config{ServerName: "pg.localhost", InsecureSkipVerify: true})
	if err := c.Handshake(); err == nil {
		t.Error("got a handshake with a server that has no TLS")
	}
}

// TestPostgresAlone checks that the server itself is asked where nothing has to be
// distinguished.
func TestPostgresAlone(t *testing.T) {
	t.Parallel()
	own := newIdentity(t, "pg.localhost")
	address := serve(t, postgres(own))
	for name, secure := range map[string]bool{"OnItsEntrypoint": false, "BesideHTTPS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, routes(plain(address)), tcp.MuxOptions{Secure: func() bool { return secure }})
			c := requestTLS(t, r.dial(), &tls.Config{ServerName: "pg.localhost", RootCAs: own.pool})
			mustAsk(t, c, "select", "postgres select")
		})
	}
}
