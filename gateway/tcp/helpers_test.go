package tcp_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"axion/gateway/config"
	"axion/gateway/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen soon.
const patience = 20 * time.Second

// identity is a certificate that signs itself.
type identity struct {
	tls.Certificate
	pool *x509.CertPool
	pem  string
}

func newIdentity(t *testing.T, names ...string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	uri, _ := url.Parse("spiffe://" + names[0] + "/db")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, URIs: []*url.URL{uri},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	id := identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, x509.NewCertPool(), ""}
	id.pool.AddCert(leaf)
	id.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return id
}

// serve answers each connection to a free port by f, and gives the address.
func serve(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = c.Close() })()
				defer c.Close()
				f(c)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// named is a server that says its name to every line.
func named(name string) func(net.Conn) {
	return func(c net.Conn) {
		lines := bufio.NewScanner(c)
		for lines.Scan() {
			if _, err := io.WriteString(c, name+" "+lines.Text()+"\n"); err != nil {
				return
			}
		}
	}
}

// greets is a server that speaks first.
func greets(c net.Conn) {
	_, _ = io.WriteString(c, "220 hello\n")
	named("smtp")(c)
}

// secured is f behind TLS.
func secured(id identity, f func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) { f(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{id.Certificate}})) }
}

// rig is a mux with HTTP behind it.
type rig struct {
	t      *testing.T
	addr   string
	mux    *tcp.Mux
	tables atomic.Pointer[tcp.Tables]
}

const entry = "db"

func options() tcp.Options {
	return tcp.Options{EntryPoints: map[string]string{entry: entry, "web": "web"}, Defaults: []string{"web"}}
}

// start serves c on an entrypoint, and answers what is left with the client's
// address over HTTP.
func start(t *testing.T, c *config.TCP, opts tcp.MuxOptions) *rig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, addr: l.Addr().String()}
	r.put(c)
	opts.Table = func() *tcp.Table { return r.tables.Load().Table(entry) }
	r.mux = tcp.NewMux(l, opts)
	server := &http.Server{Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "http "+r.RemoteAddr) })}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(r.mux) })
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = r.mux.Shutdown(ctx)
		server.Close()
		running.Wait()
		r.tables.Load().Release(nil)
	})
	return r
}

// put has c in force.
func (r *rig) put(c *config.TCP) {
	r.t.Helper()
	opts := options()
	opts.Old = r.tables.Load()
	next := tcp.Build(c, opts)
	for _, f := range next.Findings() {
		if f.Severity == config.Error {
			r.t.Errorf("%s: %s: %s", f.Router, f.Field, f.Message)
		}
	}
	next.Start()
	r.tables.Store(next)
	if opts.Old != nil {
		opts.Old.Release(next)
	}
}

// dial connects to the mux.
func (r *rig) dial() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r.t.Cleanup(func() { c.Close() })
	return c
}

// secure is a TLS client of the mux that asks for host and does not look who
// answers.
func (r *rig) secure(host string, alpn ...string) (*tls.Conn, error) {
	r.t.Helper()
	c := tls.Client(r.dial(), &tls.Config{ServerName: host, InsecureSkipVerify: true, NextProtos: alpn})
	return c, c.Handshake()
}

// ask sends a line and reads one.
func ask(c net.Conn, line string) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(answer), err
}

func mustAsk(t *testing.T, c net.Conn, line, want string) {
	t.Helper()
	if got, err := ask(c, line); err != nil || got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// ended checks that the other side has closed c.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); err == nil || ok && timeout.Timeout() {
		t.Errorf("got %v, want an end of the connection", err)
	}
}

// get asks over HTTP for the client's address.
func get(t *testing.T, c net.Conn) string {
	t.Helper()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// routes is a configuration of routers and the services of the same names, each
// with one server.
func routes(list ...*config.TCPRouter) *config.TCP {
	c := &config.TCP{Routers: map[string]*config.TCPRouter{}, Services: map[string]*config.TCPService{}}
	for _, r := range list {
		address := r.Service
		name := "to-" + address
		r.Service, r.EntryPoints = name, []string{entry}
		c.Routers[name] = r
		c.Services[name] = balanced(address)
	}
	return c
}

func balanced(addresses ...string) *config.TCPService {
	lb := &config.TCPLoadBalancer{}
	for _, a := range addresses {
		lb.Servers = append(lb.Servers, config.TCPServer{Address: a})
	}
	return &config.TCPService{LoadBalancer: lb}
}

// plain is a router of every connection.
func plain(address string) *config.TCPRouter {
	return &config.TCPRouter{Rule: "HostSNI(`*`)", Service: address}
}

// sni is a router of TLS connections.
func sni(rule, address string, passthrough bool) *config.TCPRouter {
	return &config.TCPRouter{Rule: rule, Service: address, TLS: &config.RouterTLS{Passthrough: passthrough}}
}
