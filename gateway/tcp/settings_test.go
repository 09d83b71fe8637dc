package tcp_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

// A server that is down is probed at an interval of its own.
func TestUnhealthyInterval(t *testing.T) {
	t.Parallel()
	var probes atomic.Int64
	a := serve(t, func(c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		if probes.Add(1) > 2 {
			_, _ = io.WriteString(c, "PONG\n")
		}
	})
	c := &config.TCP{
		Routers:  map[string]*config.TCPRouter{"r": {EntryPoints: []string{entry}, Rule: "HostSNI(`*`)", Service: "s"}},
		Services: map[string]*config.TCPService{"s": balanced(a)},
	}
	c.Services["s"].LoadBalancer.HealthCheck = &config.TCPHealthCheck{Send: "PING\n", Expect: "PONG",
		Interval: config.Duration(time.Hour), UnhealthyInterval: config.Duration(5 * time.Millisecond)}
	r := start(t, c, tcp.MuxOptions{})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); probes.Load() < 3 || !r.tables.Load().Servers()["s"][0].Up; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("after %d probes the server is not up again", probes.Load())
		}
	}
}

// A health check has its own port, and does not wait for ever.
func TestHealthCheckPortAndTimeout(t *testing.T) {
	t.Parallel()
	probed := make(chan struct{}, 100)
	silent := serve(t, func(c net.Conn) {
		probed <- struct{}{}
		_, _ = io.Copy(io.Discard, c) // until the other side gives up
	})
	_, text, _ := net.SplitHostPort(silent)
	port, _ := strconv.Atoi(text)
	c := &config.TCP{
		Routers:  map[string]*config.TCPRouter{"r": {EntryPoints: []string{entry}, Rule: "HostSNI(`*`)", Service: "s"}},
		Services: map[string]*config.TCPService{"s": balanced(serve(t, named("a")))},
	}
	c.Services["s"].LoadBalancer.HealthCheck = &config.TCPHealthCheck{Port: port, Expect: "PONG",
		Timeout:  config.Duration(5 * time.Millisecond),
		Interval: config.Duration(5 * time.Millisecond)}
	r := start(t, c, tcp.MuxOptions{})
	for range 2 {
		select {
		case <-probed:
		case <-time.After(patience):
			t.Fatal("the port was not probed, or not again")
		}
	}
	if r.tables.Load().Servers()["s"][0].Up {
		t.Error("the server is up, though its check got no answer")
	}
}

func TestDialTimeout(t *testing.T) {
	t.Parallel()
	instant := config.Duration(1)
	for name, tt := range map[string]struct {
		timeout *config.Duration
		want    string
	}{"OK": {nil, "a x"}, "ErrTooShort": {&instant, "none"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := serve(t, named("a"))
			c := routes(plain(address))
			c.Services["to-"+address].LoadBalancer.ServersTransport = "t"
			c.ServersTransports = map[string]*config.TCPServersTransport{"t": {DialTimeout: tt.timeout}}
			if got := answers(t, start(t, c, tcp.MuxOptions{}), 1); got[tt.want] != 1 {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}

// A server may ask the gateway for a certificate.
func TestServerTLSCertificates(t *testing.T) {
	t.Parallel()
	id := newIdentity(t, "db.internal")
	secret, err := x509.MarshalPKCS8PrivateKey(id.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	address := serve(t, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{id.Certificate}, ClientAuth: tls.RequireAnyClientCert})
		if s.HandshakeContext(t.Context()) == nil {
			named("db")(s)
		}
	})
	for name, tt := range map[string]struct {
		pairs []config.KeyPair
		want  string
	}{"OK": {[]config.KeyPair{{CertFile: id.pem, KeyFile: key}}, "db x"}, "ErrNone": {nil, "none"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := routes(plain(address))
			lb := c.Services["to-"+address].LoadBalancer
			lb.Servers[0].TLS, lb.ServersTransport = true, "t"
			c.ServersTransports = map[string]*config.TCPServersTransport{"t": {TLS: &config.TCPClientTLS{RootCAs: []string{id.pem},
				Certificates: tt.pairs}}}
			if got := answers(t, start(t, c, tcp.MuxOptions{}), 1); got[tt.want] != 1 {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}
