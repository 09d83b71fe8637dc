package cert_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"axion/gateway/cert"
	"axion/gateway/config"
)

func TestMain(m *testing.M) {
	// Pebble waits for seconds by default, and informs its clients of made-up failures.
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"),          // has no end
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).permit"), // has none either
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"))
}

func open(t *testing.T, opts cert.Options) *cert.Authority {
	t.Helper()
	a, err := cert.New(opts)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(a.Close)
	return a
}

func anyHost(context.Context, string) bool { return true }

// shake does a TLS handshake over a real socket and returns the client's view.
// config's roots are the authority's unless given.
func shake(t *testing.T, a *cert.Authority, config *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	return shakeAs(t, a, a.TLSConfig(entry), config)
}

// shakeAs is shake with a server configuration of the authority's.
func shakeAs(t *testing.T, a *cert.Authority, server, config *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.(*tls.Conn).Handshake()
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	})
	defer serving.Wait()
	defer l.Close()
	if config.RootCAs == nil {
		config.RootCAs = a.Pool()
	}
	c, err := tls.Dial("tcp", l.Addr().String(), config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "graph.localhost", "a.apps.localhost", "GRAPH.localhost", "127.0.0.1"} {
		t.Run("OK/"+host, func(t *testing.T) {
			t.Parallel()
			a := open(t, cert.Options{Dir: t.TempDir(), Routed: func(_ context.Context, h string) bool { return h == strings.ToLower(host) }})
			state, err := shake(t, a, &tls.Config{ServerName: host, NextProtos: []string{"h2"}})
			if err != nil {
				t.Fatal(err)
			}
			if got := state.NegotiatedProtocol; got != "h2" {
				t.Errorf("protocol: got %q, want h2", got)
			}
			if got := len(state.VerifiedChains[0]); got != 3 {
				t.Errorf("chain: got %d certificates, want leaf, intermediate and root", got)
			}
			leaf := state.PeerCertificates[0]
			if got := leaf.NotAfter.Sub(leaf.NotBefore).Hours() / 24; got > 90 {
				t.Errorf("lifetime: got %.1f days, want at most 90", got)
			}
		})
	}
}

func TestCertificateRefused(t *testing.T) {
	t.Parallel()
	t.Run("ErrNameConstraint", func(t *testing.T) {
		t.Parallel()
		a := open(t, cert.Options{Dir: t.TempDir(), Routed: anyHost})
		_, err := shake(t, a, &tls.Config{ServerName: "bank.example"})
		invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
		if !ok || invalid.Reason != x509.CANotAuthorizedForThisName {
			t.Errorf("error: got %v, want a violated name constraint", err)
		}
	})
	t.Run("ErrStrict", func(t *testing.T) {
		t.Parallel()
		var log bytes.Buffer // shake waits for the server's side
		a := open(t, cert.Options{
			Dir:    t.TempDir(),
			Routed: func(_ context.Context, h string) bool { return h == "graph.localhost" },
			Log:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		strict := map[string]*config.TLSOptions{"default": {SniStrict: true}}
		wantProblems(t, a.Apply(cert.Settings{TLS: config.TLS{Options: strict}}))
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, host := range []string{"other.localhost", ""} {
				_, err := shake(t, a, &tls.Config{ServerName: host, InsecureSkipVerify: true, MaxVersion: version})
				if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
					t.Errorf("%q by %s: got %v, want the alert unrecognized name", host, tls.VersionName(version), err)
				}
			}
			if _, err := shake(t, a, &tls.Config{ServerName: "graph.localhost", MaxVersion: version}); err != nil {
				t.Errorf("a host of a router: %v", err)
			}
		}
		if line := log.String(); !strings.Contains(line, "level=DEBUG") || !strings.Contains(line, "host=other.localhost") {
			t.Errorf("log: got %q, want the refusal at debug level", line)
		}
	})
	for _, name := range []string{"", "*.localhost", "a/b", "a:b", "..", "\u212Aube.localhost", strings.Repeat("a", 300)} {
		t.Run(fmt.Sprintf("OK/DefaultFor/%.9q", name), func(t *testing.T) {
			t.Parallel()
			a := open(t, cert.Options{Dir: t.TempDir(), Routed: anyHost})
			c, err := a.TLSConfig(entry).GetCertificate(&tls.ClientHelloInfo{ServerName: name})
			if err != nil || c == nil || !slices.Equal(c.Leaf.DNSNames, []string{"localhost"}) {
				t.Errorf("%q: got %v, want the certificate of localhost", name, err)
			}
		})
	}
}

func TestCertificateKept(t *testing.T) {
	t.Parallel()
	t.Run("OK/TwoAuthoritiesSameHost", func(t *testing.T) {
		t.Parallel()
		one := open(t, cert.Options{Dir: t.TempDir(), Routed: anyHost})
		two := open(t, cert.Options{Dir: t.TempDir()})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := shake(t, one, &tls.Config{ServerName: "graph.localhost"}); err != nil {
					t.Errorf("handshake: %v", err)
				}
			})
			wg.Go(func() {
				if _, err := shake(t, two, &tls.Config{ServerName: "graph.localhost"}); err != nil { // by its own root
					t.Errorf("handshake with the other authority: %v", err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("OK/Issued once", func(t *testing.T) {
		t.Parallel()
		dir, storage := t.TempDir(), t.TempDir()
		serial := func() string {
			a := open(t, cert.Options{Dir: dir, Storage: storage, Routed: anyHost})
			defer a.Close()
			wantProblems(t, a.Apply(naming("graph.localhost")))
			var first string
			for range 2 {
				state, err := shake(t, a, &tls.Config{ServerName: "graph.localhost"})
				if err != nil {
					t.Fatal(err)
				}
				got := state.PeerCertificates[0].SerialNumber.String()
				if first != "" && got != first {
					t.Errorf("serial: got %s, want the first handshake's %s", got, first)
				}
				first = got
			}
			return first
		}
		if got, want := serial(), serial(); got != want {
			t.Errorf("serial after a restart: got %s, want %s", got, want)
		}
	})
}

func TestRoot(t *testing.T) {
	t.Parallel()
	t.Run("OK/Kept", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "new", "ca")
		pools := make(chan *x509.CertPool, 8)
		var wg sync.WaitGroup
		for range cap(pools) {
			wg.Go(func() { pools <- open(t, cert.Options{Dir: dir}).Pool() })
		}
		wg.Wait()
		first := <-pools
		for range cap(pools) - 1 {
			if !first.Equal(<-pools) {
				t.Fatal("authorities that open one directory together: got different roots")
			}
		}
		if runtime.GOOS == "windows" {
			return
		}
		for name, want := range map[string]os.FileMode{"": 0o700, "root.key": 0o600, "root.crt": 0o644} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("mode of %q: got %o, want %o", name, got, want)
			}
		}
	})
	t.Run("OK/RootFile", func(t *testing.T) {
		t.Parallel()
		a := open(t, cert.Options{Dir: t.TempDir()})
		data, err := os.ReadFile(a.RootFile())
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(data) || !pool.Equal(a.Pool()) {
			t.Error("file: got another root than Pool's")
		}
		if got, err := cert.RootFile(filepath.Dir(a.RootFile())); err != nil || got != a.RootFile() {
			t.Errorf("without an authority: got %q, %v, want %q", got, err, a.RootFile())
		}
	})
}

func TestBadRoot(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"root.crt", "root.key"} {
		t.Run("ErrBadRoot/"+name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			open(t, cert.Options{Dir: dir}).Close()
			if err := os.WriteFile(filepath.Join(dir, name), []byte("junk"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := cert.New(cert.Options{Dir: dir})
			bad, ok := errors.AsType[*cert.BadRoot](err)
			if !ok {
				t.Fatalf("error: got %v, want a *BadRoot", err)
			}
			if filepath.Base(bad.File) != name || !strings.Contains(bad.Hint(), dir) {
				t.Errorf("error: got %v (%s), want it to name %s and its directory", bad, bad.Hint(), name)
			}
		})
	}
	t.Run("ErrBadRoot/other key", func(t *testing.T) {
		t.Parallel()
		one, two := t.TempDir(), t.TempDir()
		open(t, cert.Options{Dir: one}).Close()
		open(t, cert.Options{Dir: two}).Close()
		if err := os.Rename(filepath.Join(one, "root.key"), filepath.Join(two, "root.key")); err != nil {
			t.Fatal(err)
		}
		if _, err := cert.New(cert.Options{Dir: two}); !errors.As(err, new(*cert.BadRoot)) {
			t.Errorf("error: got %v, want a *BadRoot", err)
		}
	})
}

func TestNoHome(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, "")
	}
	_, err := cert.New(cert.Options{})
	if hint, ok := err.(interface{ Hint() string }); !ok || !strings.Contains(hint.Hint(), "HOME") {
		t.Errorf("New: got %v, want an error with a hint", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	a := open(t, cert.Options{Dir: t.TempDir(), Routed: anyHost})
	a.Close()
	a.Close()
	hello := &tls.ClientHelloInfo{ServerName: "graph.localhost", Conn: &net.TCPConn{}}
	if _, err := a.TLSConfig(entry).GetCertificate(hello); err == nil {
		t.Error("certificate after Close: got one")
	}
}
