// Package cert has the gateway's certificates and TLS handshakes: those of the
// local authority, those that users bring as files, and those of ACME servers.
//
// The local authority is a root that each user trusts once, and certificates for
// host names issued during the first handshake that asks for them. The root is
// constrained to localhost names and loopback addresses, so that a stolen key
// impersonates no real site.
//
// A handshake gets the first of these: the user's certificate for the name; one
// that ACME has issued for it; for local names that a router asks for one of the
// local authority; the user's default certificate; for other local names one of the
// local authority; for other hosts that a router asks for one of it too, which only
// clients that do not verify accept; else a default one. Where the host's options are
// strict, hosts that no router asks for are refused, and so are clients that name no
// host.
package cert

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"axion/gateway/config"
)

// Options of an [Authority].
type Options struct {
	// Dir holds the root's certificate and key. Empty means axion/ca in the
	// user's configuration directory.
	Dir string
	// Storage is a directory, used by this process alone, that keeps issued
	// certificates between runs, and ACME accounts below acme. Empty keeps them in
	// memory.
	Storage string
	// Routed reports whether a router asks for host, which is as [hostname.Name]
	// gives it. It is called concurrently and may make the handshake wait for one, at
	// most until ctx ends. Nil is no for all.
	Routed func(ctx context.Context, host string) bool
	// Log receives what certmagic warns of, stored files that are damaged and, at
	// debug level, refused handshakes. Nil discards.
	Log *slog.Logger
}

// Authority serves certificates, and issues and renews them. It is safe for
// concurrent use, but for [Authority.Apply].
type Authority struct {
	chooser
	files files
	usual *option // of hosts that have no options, where there are no default ones
	state atomic.Pointer[state]
	// applying is held while state is made anew.
	applying sync.Mutex
	looked   atomic.Int64 // when refresh last looked at files, in Unix nanoseconds
	close    func()
}

// New opens the root, or creates it where there is none. Until Apply is called there
// are certificates of the local authority only. Close must be called.
func New(opts Options) (*Authority, error) {
	dir, err := rootDir(opts.Dir)
	if err != nil {
		return nil, err
	}
	if opts.Routed == nil {
		opts.Routed = func(context.Context, string) bool { return false }
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	r, err := openRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the local authority: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &Authority{chooser: chooser{root: r, log: opts.Log, routed: opts.Routed, local: newLocal(ctx, r, opts), public: newPublic(ctx, opts)}}
	a.current = a.refreshed
	a.usual = newOption(&config.TLSOptions{}, nil, a.base())
	a.state.Store(&state{usual: a.usual})
	a.close = sync.OnceFunc(func() {
		cancel()
		a.public.close()
	})
	return a, nil
}

// RootFile is the root's certificate in PEM form, for clients to trust.
func (a *Authority) RootFile() string { return a.root.file }

// Pool holds the root's certificate.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root.cert)
	return pool
}

// Close ends renewal and what is being issued. Later handshakes for hosts that have
// no certificate yet fail. It may be called again.
func (a *Authority) Close() { a.close() }
