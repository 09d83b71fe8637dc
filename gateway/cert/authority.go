// Package cert is the local certificate authority: a root that each user trusts
// once, and certificates for host names issued during the first handshake that
// asks for them.
//
// The root is constrained to localhost names and loopback addresses, so that a
// stolen key impersonates no real site.
package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"golang.org/x/sync/singleflight"
)

const (
	// maxCached bounds the certificates in memory; a rule such as
	// HostRegexp(`.*`) admits any number of names.
	maxCached = 4096
	// issueTimeout bounds the wait for another process's lock on the storage.
	issueTimeout = 10 * time.Second
)

// Options of an [Authority].
type Options struct {
	// Dir holds the root's certificate and key. Empty means axion/ca in the
	// user's configuration directory.
	Dir string
	// Storage is a directory, used by this process alone, that keeps issued
	// certificates between runs. Empty keeps them in memory.
	Storage string
	// Allow reports whether host, in lower case, may get a certificate. It is
	// called concurrently and may make the handshake wait, at most until ctx
	// ends. Nil allows none.
	Allow func(ctx context.Context, host string) bool
	// Log receives what certmagic warns of and, at debug level, refused
	// handshakes. Nil discards.
	Log *slog.Logger
}

// Authority issues certificates on demand and renews them. It is safe for
// concurrent use.
type Authority struct {
	root    *root
	log     *slog.Logger
	allow   func(context.Context, string) bool
	cache   *certmagic.Cache
	config  *certmagic.Config
	pending singleflight.Group
	ctx     context.Context
	close   func()
}

// New opens the root, or creates it where there is none, and starts the renewal
// of issued certificates. Close must be called.
func New(opts Options) (*Authority, error) {
	if opts.Dir == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return nil, &homeError{err}
		}
		opts.Dir = filepath.Join(base, "axion", "ca")
	}
	if opts.Allow == nil {
		opts.Allow = func(context.Context, string) bool { return false }
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	r, err := openRoot(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the local authority: %w", err)
	}
	a := &Authority{root: r, log: opts.Log, allow: opts.Allow}
	var cancel context.CancelFunc
	a.ctx, cancel = context.WithCancel(context.Background())
	a.manage(opts)
	a.close = sync.OnceFunc(func() {
		cancel()
		a.cache.Stop()
	})
	return a, nil
}

func (a *Authority) manage(opts Options) {
	log := zapTo(opts.Log)
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil },
		Capacity:         maxCached,
		Logger:           log,
	})
	var storage certmagic.Storage = newMemory(maxCached)
	if opts.Storage != "" {
		storage = newDisk(opts.Storage)
	}
	a.config = certmagic.New(a.cache, certmagic.Config{
		Issuers:             []certmagic.Issuer{&issuer{root: a.root}},
		KeySource:           certmagic.StandardKeyGenerator{KeyType: certmagic.P256},
		OCSP:                certmagic.OCSPConfig{DisableStapling: true},
		Storage:             storage,
		DisableStorageCheck: true,
		DisableARI:          true,
		Logger:              log,
	})
}

// TLSConfig serves the authority's certificates over HTTP/2 and HTTP/1.1, from
// TLS 1.2 on. Hosts that may have none get the alert unrecognized_name.
func (a *Authority) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: a.certificate,
	}
}

// certificate does what certmagic's own on-demand mode does. That mode shares
// its waiting handshakes by host name across the whole process, so that of two
// stacks in one test process one could answer with the other's certificate.
func (a *Authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host, err := hostOf(hello)
	if err != nil {
		return a.refuse(hello, err.Error())
	}
	if c := a.cached(hello, host); c != nil {
		return c, nil
	}
	if !a.allow(hello.Context(), host) {
		return a.refuse(hello, "no router asks for this host")
	}
	_, err, _ = a.pending.Do(host, func() (any, error) {
		ctx, cancel := context.WithTimeout(a.ctx, issueTimeout)
		defer cancel()
		return nil, a.config.ManageSync(ctx, []string{host})
	})
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", host, err)
	}
	if c := a.cached(hello, host); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("certificate for %s: evicted before use", host)
}

// refuse returns no error: crypto/tls would then tell the client of an internal
// error. Where there is neither it sends unrecognized_name.
func (a *Authority) refuse(hello *tls.ClientHelloInfo, why string) (*tls.Certificate, error) {
	client := ""
	if hello.Conn != nil {
		client = hello.Conn.RemoteAddr().String()
	}
	a.log.Debug("handshake refused", "host", hello.ServerName, "client", client, "cause", why)
	return nil, nil
}

func (a *Authority) cached(hello *tls.ClientHelloInfo, host string) *tls.Certificate {
	found, err := certmagic.DefaultCertificateSelector(hello, a.cache.AllMatchingCertificates(host))
	if err != nil {
		return nil
	}
	return &found.Certificate
}

// hostOf is the name that the client asks for, or, of a client that connects to
// an address, that address.
func hostOf(hello *tls.ClientHelloInfo) (string, error) {
	host := strings.ToLower(hello.ServerName)
	if host == "" && hello.Conn != nil {
		if tcp, ok := hello.Conn.LocalAddr().(*net.TCPAddr); ok {
			return tcp.IP.String(), nil
		}
	}
	if host == "" || len(host) > 253 || !certmagic.SubjectQualifiesForCert(host) || strings.ContainsAny(host, "*/:") {
		return "", fmt.Errorf("%q is not a host name", host)
	}
	return host, nil
}

// RootFile is the root's certificate in PEM form, for clients to trust.
func (a *Authority) RootFile() string { return a.root.file }

// Pool holds the root's certificate.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root.cert)
	return pool
}

// Close ends renewal and what is being issued. Later handshakes for new hosts
// fail. It may be called again.
func (a *Authority) Close() { a.close() }
