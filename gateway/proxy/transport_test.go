package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/proxy"
)

// quiet is for servers that clients are meant to fail at.
var quiet = log.New(io.Discard, "", 0)

// through puts servers behind a balancer with a transport of its own.
func through(t *testing.T, c *config.ServersTransport, urls ...string) *proxy.Balancer {
	t.Helper()
	p := proxy.New(proxy.Options{})
	tr, err := p.Transport(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	b, err := p.Balancer("svc", servers(urls...), tr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// milliseconds are a limit that is reached.
func milliseconds(n int) *config.Duration {
	d := config.Duration(time.Duration(n) * time.Millisecond)
	return &d
}

func TestResponseHeaderTimeout(t *testing.T) {
	t.Parallel()
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	plain, secure, h2c := httptest.NewServer(hang), httptest.NewTLSServer(hang), httptest.NewUnstartedServer(hang)
	h2c.Config.Protocols = &http.Protocols{}
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	for _, s := range []*httptest.Server{plain, secure, h2c} {
		t.Cleanup(s.Close)
	}
	for name, address := range map[string]string{"http": plain.URL, "https": secure.URL, "h2c": strings.Replace(h2c.URL, "http:", "h2c:", 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := through(t, &config.ServersTransport{InsecureSkipVerify: true,
				ForwardingTimeouts: &config.ForwardingTimeouts{ResponseHeaderTimeout: milliseconds(20)}}, address)
			if w := ask(b); w.Code != http.StatusGatewayTimeout {
				t.Errorf("got %d, want 504", w.Code)
			}
		})
	}
}

func TestDialTimeout(t *testing.T) {
	t.Parallel()
	up := serve(t, func(http.ResponseWriter, *http.Request) {})
	for name, address := range map[string]string{"http": up, "https": strings.Replace(up, "http:", "https:", 1),
		"h2c": strings.Replace(up, "http:", "h2c:", 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			instant := config.Duration(1)
			if w := ask(through(t, &config.ServersTransport{ForwardingTimeouts: &config.ForwardingTimeouts{DialTimeout: &instant}},
				address)); w.Code < 502 || w.Code > 504 {
				t.Errorf("got %d, want the dial to fail", w.Code)
			}
		})
	}
}

// watched is a server that says when its connections are closed. Its handler waits
// until n requests are there.
func watched(t *testing.T, n int) (s *httptest.Server, closed chan struct{}) {
	t.Helper()
	closed = make(chan struct{}, 10)
	var arrived sync.WaitGroup
	arrived.Add(n)
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	return s, closed
}

func TestIdleConnections(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config   config.ServersTransport
		requests int
		closed   int
	}{
		"OKIdleConnTimeout": {config.ServersTransport{ForwardingTimeouts: &config.ForwardingTimeouts{IdleConnTimeout: milliseconds(10)}}, 1,
			1},
		"OKMaxIdleConnsPerHost": {config.ServersTransport{MaxIdleConnsPerHost: 1}, 3, 2},
		"OKNoneIdle":            {config.ServersTransport{MaxIdleConnsPerHost: -1}, 2, 2},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				s, closed := watched(t, tt.requests)
				if scheme == "https" {
					s.StartTLS()
				} else {
					s.Start()
				}
				t.Cleanup(s.Close)
				c := tt.config
				c.InsecureSkipVerify, c.DisableHTTP2 = true, true
				b := through(t, &c, s.URL)
				done := make(chan int)
				for range tt.requests {
					go func() { done <- ask(b).Code }()
				}
				for range tt.requests {
					if code := <-done; code != 200 {
						t.Errorf("got %d", code)
					}
				}
				for i := range tt.closed {
					select {
					case <-closed:
					case <-time.After(patience):
						t.Fatalf("%d of %d connections were closed", i, tt.closed)
					}
				}
				if len(closed) > 0 {
					t.Errorf("more than %d connections were closed", tt.closed)
				}
			})
		}
	}
}

// A server that falls silent is noticed by pings.
func TestPings(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // SETTINGS, and nothing after that
		_, _ = io.Copy(io.Discard, c)
	}()
	b := through(t, &config.ServersTransport{ForwardingTimeouts: &config.ForwardingTimeouts{ReadIdleTimeout: milliseconds(10),
		PingTimeout: milliseconds(10)}}, "h2c://"+l.Addr().String())
	if w := ask(b); w.Code < 502 || w.Code > 504 {
		t.Errorf("got %d, want an error of the gateway", w.Code)
	}
	<-ended
}

// identity is a certificate of its own authority, for 127.0.0.1 and a URI.
func identity(t *testing.T, uri string) (pair tls.Certificate, text, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(uri)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"db.internal"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, URIs: []*url.URL{u}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	pair, err = tls.X509KeyPair([]byte(text), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return pair, text, key
}

func TestServersTransportTLS(t *testing.T) {
	t.Parallel()
	pair, text, key := identity(t, "spiffe://here/db")
	roots := []string{text}
	const one, other = tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
	for name, tt := range map[string]struct {
		server *tls.Config
		config config.ServersTransport
		want   int
	}{
		"OKRootCAs":      {&tls.Config{}, config.ServersTransport{RootCAs: roots}, 200},
		"OKServerName":   {&tls.Config{}, config.ServersTransport{RootCAs: roots, ServerName: "db.internal"}, 200},
		"ErrServerName":  {&tls.Config{}, config.ServersTransport{RootCAs: roots, ServerName: "other.internal"}, 502},
		"OKPeerCertURI":  {&tls.Config{}, config.ServersTransport{RootCAs: roots, PeerCertURI: "spiffe://here/db"}, 200},
		"ErrPeerCertURI": {&tls.Config{}, config.ServersTransport{RootCAs: roots, PeerCertURI: "spiffe://here/web"}, 502},
		"OKMinVersion":   {&tls.Config{}, config.ServersTransport{RootCAs: roots, MinVersion: "VersionTLS13"}, 200},
		"ErrMinVersion": {&tls.Config{MaxVersion: tls.VersionTLS12}, config.ServersTransport{RootCAs: roots, MinVersion: "VersionTLS13"},
			502},
		"ErrMaxVersion": {&tls.Config{MinVersion: tls.VersionTLS13}, config.ServersTransport{RootCAs: roots, MaxVersion: "VersionTLS12"},
			502},
		"OKCipherSuites": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{one}},
			config.ServersTransport{RootCAs: roots, CipherSuites: []string{tls.CipherSuiteName(one)}}, 200},
		"ErrCipherSuites": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{one}},
			config.ServersTransport{RootCAs: roots, CipherSuites: []string{tls.CipherSuiteName(other)}}, 502},
		"OKCertificates": {&tls.Config{ClientAuth: tls.RequireAnyClientCert},
			config.ServersTransport{RootCAs: roots, Certificates: []config.KeyPair{{CertFile: text, KeyFile: key}}}, 200},
		"ErrNoCertificates": {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, config.ServersTransport{RootCAs: roots}, 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			s.TLS = tt.server.Clone()
			s.TLS.Certificates = []tls.Certificate{pair}
			s.Config.ErrorLog = quiet
			s.StartTLS()
			t.Cleanup(s.Close)
			if w := ask(through(t, &tt.config, s.URL)); w.Code != tt.want {
				t.Errorf("got %d, want %d", w.Code, tt.want)
			}
		})
	}
}
