package cert_test

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"

	"axion/gateway/cert"
	"axion/gateway/config"
)

// organisation is that of the certificate which a client gets, whoever signed it.
func organisation(t *testing.T, a *cert.Authority, host string) string {
	t.Helper()
	state, err := shake(t, a, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	if err != nil {
		t.Fatalf("%s: %v", host, err)
	}
	if list := state.PeerCertificates[0].Subject.Organization; len(list) > 0 {
		return list[0]
	}
	return "local"
}

func TestOwnCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	a := open(t, cert.Options{Dir: t.TempDir(), Routed: anyHost})
	files := ca.files(t, t.TempDir(), "files.localhost")
	wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Certificates: []config.Certificate{
		ca.pair(t, "*.shop.example"), ca.pair(t, "api.shop.example", "127.0.0.1"), files,
	}}}))
	for host, want := range map[string]string{
		"api.shop.example": "api.shop.example", "API.shop.example": "api.shop.example", "www.shop.example": "*.shop.example",
		"127.0.0.1": "api.shop.example", "files.localhost": "files.localhost", "other.localhost": "local",
	} {
		if got := organisation(t, a, host); got != want {
			t.Errorf("%s: got the certificate of %s, want %s", host, got, want)
		}
	}
	t.Run("ErrDeeper", func(t *testing.T) {
		if got := organisation(t, a, "a.b.shop.example"); got != "local" {
			t.Errorf("got the certificate of %s, want none of a wildcard one label above", got)
		}
	})
}

func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	dir := t.TempDir()
	a := open(t, cert.Options{Dir: t.TempDir()})
	settings := cert.Settings{TLS: config.TLS{Certificates: []config.Certificate{ca.files(t, dir, "old.shop.example", "*.shop.example")}}}
	wantProblems(t, a.Apply(settings))

	ca.files(t, dir, "new.shop.example", "*.shop.example")
	wantProblems(t, a.Apply(settings))
	if got := organisation(t, a, "x.shop.example"); got != "new.shop.example" {
		t.Errorf("after a change: got the certificate of %s", got)
	}
	write(t, filepath.Join(dir, "tls.crt"), "junk")
	problems := a.Apply(settings)
	wantProblems(t, problems, filepath.Join(dir, "tls.crt"))
	if p := problems[0]; p.Severity != config.Error || p.File != "tls.yaml" || p.Line != 3 {
		t.Errorf("problem: got %+v, want it to say where", p)
	}
	if got := organisation(t, a, "x.shop.example"); got != "new.shop.example" {
		t.Errorf("after a bad change: got the certificate of %s, want the last good one", got)
	}
	wantProblems(t, a.Apply(cert.Settings{}))
	if _, err := shake(t, a, &tls.Config{ServerName: "x.shop.example"}); err == nil {
		t.Error("after its removal: got a certificate")
	}
}

// TestRenewedCertificate serves what a tool has put in a file's place, with no word
// from anybody.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	dir, renewed := t.TempDir(), t.TempDir()
	a := open(t, cert.Options{Dir: t.TempDir()})
	wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Certificates: []config.Certificate{ca.files(t, dir, "old.shop.example",
		"*.shop.example")}}}))
	until := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; {
			got := organisation(t, a, "x.shop.example")
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("got the certificate of %s, want %s", got, want)
			}
		}
	}
	until("old.shop.example")
	ca.files(t, renewed, "new.shop.example", "*.shop.example")
	for _, name := range []string{"tls.key", "tls.crt"} { // apart, as tools do it: for a moment they do not match
		if err := os.Rename(filepath.Join(renewed, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	until("new.shop.example")
}

func TestBadCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good, other := ca.pair(t, "a.example"), ca.pair(t, "b.example")
	old, key := ca.issue(t, time.Now().Add(-time.Minute), "old.example")
	for _, test := range []struct {
		name string
		give config.Certificate
		want string
	}{
		{"ErrMissing", config.Certificate{CertFile: "/no/such/file", KeyFile: good.KeyFile}, "/no/such/file"},
		{"ErrDirectory", config.Certificate{CertFile: t.TempDir(), KeyFile: good.KeyFile}, "is not a regular file"},
		{"ErrNoKey", config.Certificate{CertFile: good.CertFile}, "certFile and keyFile must both be given"},
		{"ErrOtherKey", config.Certificate{CertFile: good.CertFile, KeyFile: other.KeyFile}, "private key does not match"},
		{"ErrExpired", config.Certificate{CertFile: old, KeyFile: key}, "expired on"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := open(t, cert.Options{Dir: t.TempDir()})
			wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Certificates: []config.Certificate{test.give}}}), test.want)
		})
	}
}

func TestDefaultCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	pair := ca.pair(t, "default.example", "named.localhost")
	store := &config.TLSStore{DefaultCertificate: &config.KeyPair{CertFile: pair.CertFile, KeyFile: pair.KeyFile}}
	settings := cert.Settings{TLS: config.TLS{
		Stores:  map[string]*config.TLSStore{"default": store},
		Options: map[string]*config.TLSOptions{"strict": {SniStrict: true}},
	}, OptionsFor: func(_, host string) string {
		if host == "strict.example" {
			return "strict"
		}
		return ""
	}}
	a := open(t, cert.Options{Dir: t.TempDir(), Routed: func(_ context.Context, host string) bool {
		return host != "unknown.localhost" && host != "strict.example"
	}})
	wantProblems(t, a.Apply(settings))
	for host, want := range map[string]string{
		"default.example": "default.example", "unknown.example": "default.example", "named.localhost": "default.example",
		"routed.localhost": "local", "unknown.localhost": "default.example", "": "default.example",
	} {
		if got := organisation(t, a, host); got != want {
			t.Errorf("%s: got the certificate of %s, want %s", host, got, want)
		}
	}
	t.Run("OK/SecondStart", func(t *testing.T) { // by another address, and with strict default options
		other := ca.pair(t, "address.example", "127.0.0.1")
		settings := settings
		settings.TLS.Certificates = []config.Certificate{other}
		settings.TLS.Options = map[string]*config.TLSOptions{"default": {SniStrict: true}}
		a := open(t, cert.Options{Dir: t.TempDir()})
		wantProblems(t, a.Apply(settings))
		if got := organisation(t, a, ""); got != "address.example" {
			t.Errorf("no name, strict: got the certificate of %s, want the one of the address", got)
		}
		if c, err := a.TLSConfig(entry).GetConfigForClient(&tls.ClientHelloInfo{}); err != nil {
			t.Error(err)
		} else if c, err := c.GetCertificate(&tls.ClientHelloInfo{}); c != nil || err != nil {
			t.Errorf("no name and no address, strict: got %v, %v, want neither", c != nil, err)
		}
	})
	t.Run("ErrStrict", func(t *testing.T) {
		if _, err := shake(t, a, &tls.Config{ServerName: "strict.example", InsecureSkipVerify: true}); err == nil {
			t.Error("strict: got the default certificate, want a refusal")
		}
	})
	t.Run("OK/Generated", func(t *testing.T) {
		t.Parallel()
		a := open(t, cert.Options{Dir: t.TempDir()})
		store := &config.TLSStore{DefaultGeneratedCert: &config.GeneratedCert{Resolver: "any", Domain: &config.Domain{Main: "Main.localhost"}}}
		wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Stores: map[string]*config.TLSStore{"default": store}}}))
		state, err := shake(t, a, &tls.Config{ServerName: "whoever.example", InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := state.PeerCertificates[0].DNSNames; len(got) != 1 || got[0] != "main.localhost" {
			t.Errorf("names: got %v, want main.localhost", got)
		}
	})
	t.Run("ErrGenerated", func(t *testing.T) {
		t.Parallel()
		a := open(t, cert.Options{Dir: t.TempDir()})
		store := &config.TLSStore{DefaultGeneratedCert: &config.GeneratedCert{Resolver: "any"}}
		wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Stores: map[string]*config.TLSStore{"default": store}}}), "domain.main")
	})
}
