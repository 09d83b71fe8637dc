package cert_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io/fs"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"axion/gateway/cert"
	"axion/gateway/config"
)

// asking are settings in which one router asks the resolver "le" for hosts.
func asking(acme config.ACME, hosts ...string) cert.Settings {
	return cert.Settings{
		Resolvers: map[string]*config.CertResolver{"le": {ACME: &acme}},
		Routers: []cert.Router{{Name: "shop@docker", Origin: config.Origin{File: "compose.yaml"}, TLS: &config.RouterTLS{CertResolver: "le"},
			Hosts: hosts}},
	}
}

// issued waits until host has a certificate by roots other than the one with the
// serial before.
func issued(t *testing.T, a *cert.Authority, roots *x509.CertPool, host string, before *big.Int) *x509.Certificate {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		a.Forget(host)
		var state tls.ConnectionState
		state, err = shake(t, a, &tls.Config{ServerName: host, RootCAs: roots})
		if err == nil && (before == nil || state.PeerCertificates[0].SerialNumber.Cmp(before) != 0) {
			return state.PeerCertificates[0]
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal(err)
		}
		if deadline, ok := t.Deadline(); ok && time.Until(deadline) < time.Second {
			t.Fatalf("no certificate: %v", err)
		}
	}
}

func TestACME(t *testing.T) {
	t.Parallel()
	eab := &config.EAB{KID: "kid-1", HmacEncoded: base64.RawURLEncoding.EncodeToString(make([]byte, 32))}
	for _, test := range []struct {
		name, host string
		change     func(*config.ACME)
		eab        *config.EAB
		http       bool
	}{
		{"OK/HTTP-01", "http.axion.dev", func(c *config.ACME) { c.HTTPChallenge = &config.HTTPChallenge{EntryPoint: "web"} }, nil, true},
		{"OK/TLS-ALPN-01", "alpn.axion.dev", func(c *config.ACME) { c.TLSChallenge = &config.TLSChallenge{} }, nil, false},
		{"OK/EAB", "eab.axion.dev", func(c *config.ACME) { c.TLSChallenge, c.KeyType = &config.TLSChallenge{}, "EC384" }, eab, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			storage := t.TempDir()
			a := open(t, cert.Options{Dir: t.TempDir(), Storage: storage, Routed: anyHost})
			p := newPebble(t, a, test.eab)
			test.change(&p.acme)
			wantProblems(t, a.Apply(asking(p.acme, test.host)))
			leaf := issued(t, a, p.roots, test.host, nil)
			if !slices.Equal(leaf.DNSNames, []string{test.host}) {
				t.Errorf("names: got %v", leaf.DNSNames)
			}
			if got := len(p.seen) > 0; got != test.http {
				t.Errorf("asked over HTTP: got %v, want %v", got, test.http)
			}
			if _, err := os.Stat(filepath.Join(storage, "acme", "le")); err != nil {
				t.Errorf("storage: %v", err)
			}
			// An unchanged resolver keeps its account, and the host its certificate.
			wantProblems(t, a.Apply(asking(p.acme, test.host)))
			if again := issued(t, a, p.roots, test.host, nil); again.SerialNumber.Cmp(leaf.SerialNumber) != 0 {
				t.Error("after the same settings: got another certificate")
			}
			wantProblems(t, a.Apply(cert.Settings{}))
			if state, err := shake(t, a, &tls.Config{ServerName: test.host, InsecureSkipVerify: true}); err != nil ||
				state.PeerCertificates[0].SerialNumber.Cmp(leaf.SerialNumber) == 0 {
				t.Errorf("after its router is gone: got the certificate, %v", err)
			}
		})
	}
}

// TestACMEDamaged goes on where the files of an account and of a certificate cannot be
// read.
func TestACMEDamaged(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	log := &lines{}
	a := open(t, cert.Options{Dir: t.TempDir(), Storage: storage, Routed: anyHost, Log: slog.New(slog.NewTextHandler(log, nil))})
	p := newPebble(t, a, nil)
	const host = "damaged.axion.dev"
	wantProblems(t, a.Apply(asking(p.acme, host)))
	first := issued(t, a, p.roots, host, nil)
	var found int
	err := filepath.WalkDir(storage, func(path string, _ fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); ext == ".key" || ext == ".json" {
			found++
			write(t, path, "junk")
		}
		return err
	})
	if err != nil || found < 4 {
		t.Fatalf("files: got %d, %v, want those of an account and of a certificate", found, err)
	}
	wantProblems(t, a.Apply(cert.Settings{}))
	p.acme.KeyType = "EC384" // the account is opened anew
	wantProblems(t, a.Apply(asking(p.acme, host)))
	issued(t, a, p.roots, host, first.SerialNumber)
	for _, text := range []string{"a stored ACME account is damaged: a new one is made",
		"a stored certificate is damaged: it is issued again"} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("log lacks %q: %s", text, log.String())
		}
	}
}

// lines is a log that several write to.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestACMERenewal(t *testing.T) {
	t.Parallel()
	a := open(t, cert.Options{Dir: t.TempDir(), Routed: anyHost})
	p := newPebble(t, a, nil)
	const host = "renew.axion.dev"
	wantProblems(t, a.Apply(asking(p.acme, host)))
	first := issued(t, a, p.roots, host, nil)
	if err := a.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	issued(t, a, p.roots, host, first.SerialNumber)
}

func TestACMEDomains(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	a := open(t, cert.Options{Dir: t.TempDir()})
	p := newPebble(t, a, nil)
	p.acme.CAServer = "https://127.0.0.1:1/dir" // nobody: what is asked for matters only
	settings := asking(p.acme, "not-this.axion.dev")
	settings.Routers[0].TLS.Domains = []config.Domain{{Main: "Main.axion.dev",
		SANs: []string{"also.axion.dev", "*.wild.axion.dev", "local.localhost", "own.axion.dev"}}}
	settings.Routers = append(settings.Routers,
		cert.Router{Name: "other", TLS: &config.RouterTLS{CertResolver: "other"}, Hosts: []string{"other.axion.dev"}},
		cert.Router{Name: "tcp", TLS: &config.RouterTLS{CertResolver: "le", Passthrough: true}, Hosts: []string{"tcp.axion.dev"}})
	settings.TLS.Certificates = []config.Certificate{ca.pair(t, "own.axion.dev")}
	settings.TLS.Stores = map[string]*config.TLSStore{"default": {DefaultGeneratedCert: &config.GeneratedCert{Resolver: "le",
		Domain: &config.Domain{Main: "default.axion.dev"}}}}
	wantProblems(t, a.Apply(settings), "wildcards need the DNS challenge")
	if got, want := a.PublicHosts(), []string{"also.axion.dev", "default.axion.dev", "main.axion.dev"}; !slices.Equal(got, want) {
		t.Errorf("hosts: got %v, want %v", got, want)
	}
}

func TestACMEIdle(t *testing.T) {
	t.Parallel()
	le := config.ACME{Email: "dev@axion.dev", CAServer: "https://127.0.0.1:1/dir"}
	hosts := []string{"graph.localhost", "localhost", "127.0.0.1", "::1", "203.0.113.7", "db.internal", "printer.local", "a.test",
		"shop.example.com", "example.org", "nas", "box.lan", "x.home.arpa"}
	a := open(t, cert.Options{Dir: t.TempDir()})
	wantProblems(t, a.Apply(asking(le, hosts...)))
	if !a.Idle() || len(a.PublicHosts()) > 0 {
		t.Errorf("hosts %v: got ACME at work for %v", hosts, a.PublicHosts())
	}
	if got := cert.IsPublic("axion.dev", "www.axion.dev", "*.axion.dev", "myexample.com", "latest"); len(got) != 4 {
		t.Errorf("public names: got %v", got)
	}
}

func TestACMERefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		give config.ACME
		want string
	}{
		{"ErrDNS", config.ACME{DNSChallenge: &config.DNSChallenge{Provider: "cloudflare"}}, "the DNS challenge is not supported"},
		{"ErrKeyType", config.ACME{KeyType: "EC265"}, `did you mean "EC256"?`},
		{"ErrCACertificates", config.ACME{CACertificates: []string{"/no/such/file"}}, "/no/such/file"},
		{"ErrCAText", config.ACME{CACertificates: []string{"-----BEGIN NOTHING"}}, "holds no certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.give.CAServer = "https://127.0.0.1:1/dir"
			a := open(t, cert.Options{Dir: t.TempDir()})
			problems := a.Apply(asking(test.give, "a.axion.dev", "b.axion.dev"))
			wantProblems(t, problems, test.want)
			if problems[0].File != "compose.yaml" || len(a.PublicHosts()) > 0 {
				t.Errorf("got %+v and hosts %v", problems[0], a.PublicHosts())
			}
		})
	}
}

// TestHTTPChallenge is about what is no challenge of ours.
func TestHTTPChallenge(t *testing.T) {
	t.Parallel()
	a := open(t, cert.Options{Dir: t.TempDir()})
	p := newPebble(t, a, nil)
	p.acme.CAServer = "https://127.0.0.1:1/dir"
	wantProblems(t, a.Apply(asking(p.acme, "known.axion.dev")))
	for _, url := range []string{"http://known.axion.dev/", "http://known.axion.dev/.well-known/acme-challenge/token",
		"http://other.axion.dev:80/.well-known/acme-challenge/token"} {
		w := httptest.NewRecorder()
		if a.HTTPChallenge(w, httptest.NewRequest(http.MethodGet, url, nil)) || w.Body.Len() > 0 {
			t.Errorf("%s: got answered as a challenge", url)
		}
	}
}
