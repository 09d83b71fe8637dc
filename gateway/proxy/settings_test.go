package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
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

func TestStickyCookie(t *testing.T) {
	t.Parallel()
	path := "/x"
	sticky := &config.Sticky{Cookie: &config.Cookie{Name: "who", Secure: true, HTTPOnly: true, SameSite: "Strict", MaxAge: 9, Path: &path, Domain: "a.localhost"}}
	urls, _ := named(t, "a", "b")
	lb := servers(urls...)
	lb.Sticky = sticky
	weighted, err := proxy.NewWeighted("w", &config.Weighted{Sticky: sticky, Services: []config.WeightedService{{Name: "a"}}},
		[]proxy.Service{balancer(t, "a", servers(urls[0]))})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]http.Handler{"loadBalancer": balancer(t, "svc", lb), "weighted": weighted} {
		got := ask(s).Header().Get("Set-Cookie")
		_, rest, _ := strings.Cut(got, ";")
		if !strings.HasPrefix(got, "who=") || rest != " Path=/x; Domain=a.localhost; Max-Age=9; HttpOnly; Secure; SameSite=Strict" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestMirroringBody(t *testing.T) {
	t.Parallel()
	no, three := false, int64(3)
	for name, tt := range map[string]struct {
		config config.Mirroring
		body   string
		want   []string
	}{
		"OKWithoutBody": {config.Mirroring{MirrorBody: &no}, "body", []string{""}},
		"OKAtLimit":     {config.Mirroring{MaxBodySize: &three}, "bod", []string{"bod"}},
		"ErrTooLarge":   {config.Mirroring{MaxBodySize: &three}, "body", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copies := make(chan string, 10)
			mirror := &flaky{HandlerFunc: func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				copies <- string(body)
			}}
			tt.config.Mirrors = []config.Mirror{{Name: "copy", Percent: 100}}
			m, err := proxy.NewMirroring("m", &tt.config, newFlaky("main ", 200), []proxy.Service{mirror})
			if err != nil {
				t.Fatal(err)
			}
			if w := ask(m, func(r *http.Request) { r.Method, r.Body = "POST", io.NopCloser(strings.NewReader(tt.body)) }); w.Body.String() != "main "+tt.body {
				t.Errorf("got %q", w.Body.String())
			}
			for _, want := range tt.want {
				select {
				case got := <-copies:
					if got != want {
						t.Errorf("copy: got %q, want %q", got, want)
					}
				case <-time.After(patience):
					t.Fatal("the copy is missing")
				}
			}
			m.Close() // waits for the copies
			if len(copies) > 0 {
				t.Errorf("got a copy %q", <-copies)
			}
		})
	}
}

func TestFlushInterval(t *testing.T) {
	t.Parallel()
	for name, interval := range map[string]time.Duration{"OKAtOnce": -1, "OKSoon": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := make(chan struct{})
			lb := servers(serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "4")
				_, _ = io.WriteString(w, "ab")
				_ = http.NewResponseController(w).Flush()
				<-read
				_, _ = io.WriteString(w, "cd")
			}))
			lb.ResponseForwarding = &config.ResponseForwarding{FlushInterval: config.Duration(interval)}
			_, s := balance(t, proxy.Options{}, lb)
			c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := c.Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			first := make([]byte, 2)
			_, err = io.ReadFull(resp.Body, first)
			close(read) // whatever came: the server is to end
			rest, _ := io.ReadAll(resp.Body)
			if err != nil || string(first)+string(rest) != "abcd" {
				t.Errorf("got %q and %q, %v", first, rest, err)
			}
		})
	}
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
			b := through(t, &config.ServersTransport{InsecureSkipVerify: true, ForwardingTimeouts: &config.ForwardingTimeouts{ResponseHeaderTimeout: milliseconds(20)}}, address)
			if w := ask(b); w.Code != http.StatusGatewayTimeout {
				t.Errorf("got %d, want 504", w.Code)
			}
		})
	}
}

func TestDialTimeout(t *testing.T) {
	t.Parallel()
	up := serve(t, func(http.ResponseWriter, *http.Request) {})
	for name, address := range map[string]string{"http": up, "https": strings.Replace(up, "http:", "https:", 1), "h2c": strings.Replace(up, "http:", "h2c:", 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			instant := config.Duration(1)
			if w := ask(through(t, &config.ServersTransport{ForwardingTimeouts: &config.ForwardingTimeouts{DialTimeout: &instant}}, address)); w.Code < 502 || w.Code > 504 {
				t.Errorf("got %d, want the dial to fail", w.Code)
			}
		})
	}
}

// watched is a server that tells when its connections are closed. Its handler waits
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
		"OKIdleConnTimeout":     {config.ServersTransport{ForwardingTimeouts: &config.ForwardingTimeouts{IdleConnTimeout: milliseconds(10)}}, 1, 1},
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
	b := through(t, &config.ServersTransport{ForwardingTimeouts: &config.ForwardingTimeouts{ReadIdleTimeout: milliseconds(10), PingTimeout: milliseconds(10)}}, "h2c://"+l.Addr().String())
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
		"OKRootCAs":         {&tls.Config{}, config.ServersTransport{RootCAs: roots}, 200},
		"OKServerName":      {&tls.Config{}, config.ServersTransport{RootCAs: roots, ServerName: "db.internal"}, 200},
		"ErrServerName":     {&tls.Config{}, config.ServersTransport{RootCAs: roots, ServerName: "other.internal"}, 502},
		"OKPeerCertURI":     {&tls.Config{}, config.ServersTransport{RootCAs: roots, PeerCertURI: "spiffe://here/db"}, 200},
		"ErrPeerCertURI":    {&tls.Config{}, config.ServersTransport{RootCAs: roots, PeerCertURI: "spiffe://here/web"}, 502},
		"OKMinVersion":      {&tls.Config{}, config.ServersTransport{RootCAs: roots, MinVersion: "VersionTLS13"}, 200},
		"ErrMinVersion":     {&tls.Config{MaxVersion: tls.VersionTLS12}, config.ServersTransport{RootCAs: roots, MinVersion: "VersionTLS13"}, 502},
		"ErrMaxVersion":     {&tls.Config{MinVersion: tls.VersionTLS13}, config.ServersTransport{RootCAs: roots, MaxVersion: "VersionTLS12"}, 502},
		"OKCipherSuites":    {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{one}}, config.ServersTransport{RootCAs: roots, CipherSuites: []string{tls.CipherSuiteName(one)}}, 200},
		"ErrCipherSuites":   {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{one}}, config.ServersTransport{RootCAs: roots, CipherSuites: []string{tls.CipherSuiteName(other)}}, 502},
		"OKCertificates":    {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, config.ServersTransport{RootCAs: roots, Certificates: []config.KeyPair{{CertFile: text, KeyFile: key}}}, 200},
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

func TestFailoverBody(t *testing.T) {
	t.Parallel()
	three := int64(3)
	f, err := proxy.NewFailover("f", &config.Failover{Errors: &config.FailoverErrors{Status: []string{"503"}, MaxRequestBodyBytes: &three}},
		newFlaky("main ", 503), newFlaky("second ", 200))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{"bod": "second bod", "body": "main body"} { // what is too long to be kept is asked once
		if w := ask(f, func(r *http.Request) { r.Method, r.Body = "POST", io.NopCloser(strings.NewReader(body)) }); w.Body.String() != want {
			t.Errorf("%q: got %q, want %q", body, w.Body.String(), want)
		}
	}
}

func TestPreservePath(t *testing.T) {
	t.Parallel()
	up := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	for preserve, want := range map[bool]string{false: "/", true: "/base/"} {
		lb := &config.LoadBalancer{Servers: []config.Server{{URL: up + "/base", PreservePath: preserve}}}
		if got := ask(balancer(t, "svc", lb)).Body.String(); got != want {
			t.Errorf("preservePath %t: got %q, want %q", preserve, got, want)
		}
	}
}

// A service of services is as healthy as its children where its healthCheck says so,
// and always up where it does not.
func TestChildHealth(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error){
		"weighted": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewWeighted("w", &config.Weighted{Services: []config.WeightedService{{Name: "a"}}, HealthCheck: h}, []proxy.Service{child})
		},
		"highestRandomWeight": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewHRW("h", &config.HighestRandomWeight{Services: []config.WeightedService{{Name: "a"}}, HealthCheck: h}, []proxy.Service{child})
		},
		"mirroring": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewMirroring("m", &config.Mirroring{HealthCheck: h}, child, nil)
		},
		"failover": func(h *config.ChildHealth, child proxy.Service) (proxy.Service, error) {
			return proxy.NewFailover("f", &config.Failover{HealthCheck: h}, child, child)
		},
	} {
		for _, h := range []*config.ChildHealth{nil, {}} {
			child := newFlaky("child ", 200)
			s, err := build(h, child)
			if err != nil {
				t.Fatal(err)
			}
			child.set(false)
			if s.Up() != (h == nil) {
				t.Errorf("%s, healthCheck %t: up %t", name, h != nil, s.Up())
			}
			s.Close()
		}
	}
}

// Of services by the highest random weight, one without weight gets nobody, and one
// of more weight more clients.
func TestHighestRandomWeight(t *testing.T) {
	t.Parallel()
	none, nine := 0, 9
	children := []proxy.Service{newFlaky("a", 200), newFlaky("b", 200), newFlaky("c", 200)}
	s, err := proxy.NewHRW("h", &config.HighestRandomWeight{Services: []config.WeightedService{{Name: "a", Weight: &nine}, {Name: "b"}, {Name: "c", Weight: &none}}}, children)
	if err != nil {
		t.Fatal(err)
	}
	hits := map[string]int{}
	for i := range 200 {
		hits[ask(s, func(r *http.Request) { r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", i%7, i) }).Body.String()]++
	}
	if hits["a"] <= hits["b"] || hits["b"] == 0 || hits["c"] != 0 {
		t.Errorf("got %v", hits)
	}
}

// A fenced server serves only clients that stick to it.
func TestFenced(t *testing.T) {
	t.Parallel()
	urls, hits := named(t, "a", "b")
	lb := servers(urls...)
	lb.Servers[0].Fenced = true
	lb.Sticky = &config.Sticky{Cookie: &config.Cookie{Name: "at"}}
	b := balancer(t, "svc", lb)
	for range 6 {
		ask(b)
	}
	if hits["a"].Load() != 0 || hits["b"].Load() != 6 {
		t.Errorf("got %d at the fenced server, %d at the other", hits["a"].Load(), hits["b"].Load())
	}
	sum := sha256.Sum256([]byte(urls[0]))
	w := ask(b, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "at", Value: hex.EncodeToString(sum[:])[:16]}) })
	if w.Body.String() != "a" {
		t.Errorf("a client that sticks to it: got %q", w.Body)
	}
}
