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
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
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

// systemBundles are where systems keep the roots that they trust in one file, as package
// crypto/x509 looks for them. Windows has none.
var systemBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo, Arch
	"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
	"/etc/ssl/ca-bundle.pem",                            // openSUSE
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
	"/etc/ssl/cert.pem",                                 // Alpine, macOS, the BSDs
}

const (
	bundleName = "bundle.pem"
	// maxBundle is how large a file of roots may be, in bytes; they are about 250 KB.
	maxBundle = 8 << 20
	// bundleVariable names the file that OpenSSL and Go trust in place of the system's.
	bundleVariable = "SSL_CERT_FILE"
)

// BundleFile is a PEM file of the roots that the system trusts, and the authority's, for
// programs that can be given one file alone. It is made beside the authority's root. Where
// the system has no such file it is empty.
func (a *Authority) BundleFile() (string, error) {
	file := filepath.Join(filepath.Dir(a.root.file), bundleName)
	candidates := systemBundles
	if own := os.Getenv(bundleVariable); own != "" && own != file { // else it would grow
		candidates = append([]string{own}, candidates...)
	}
	for _, candidate := range candidates {
		system, err := readBundle(candidate)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("the system's roots: %w", err)
		}
		roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.cert.Raw})
		return file, writeBundle(file, append(append(bytes.TrimRight(system, "\n"), '\n'), roots...))
	}
	return "", nil
}

func readBundle(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxBundle+1))
	if err == nil && len(data) > maxBundle {
		err = fmt.Errorf("%s is larger than %d bytes", file, maxBundle)
	}
	return data, err
}

// writeBundle writes a file in one step, unless it is so already: other stacks read it.
func writeBundle(file string, data []byte) error {
	if was, err := os.ReadFile(file); err == nil && bytes.Equal(was, data) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(file), bundleName+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
