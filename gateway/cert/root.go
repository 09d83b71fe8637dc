package cert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"axion/gateway/regular"
)

// noMail is a domain that nobody has (RFC 2606).
const noMail = "invalid"

const (
	rootLifetime = 10 * 365 * 24 * time.Hour
	// backdate tolerates clients whose clock is a little behind.
	backdate    = time.Hour
	lockTimeout = 10 * time.Second
	lockPoll    = 5 * time.Millisecond
)

// root is the self-signed certificate at the top, with its key.
type root struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

// BadRoot says that a file of the local authority is not usable.
type BadRoot struct {
	File string
	Err  error
}

// Error gives "file: why".
func (e *BadRoot) Error() string { return fmt.Sprintf("%s: %v", e.File, e.Err) }

// Unwrap gives the reason.
func (e *BadRoot) Unwrap() error { return e.Err }

// Hint says how to get a new root.
func (e *BadRoot) Hint() string {
	return "remove " + filepath.Dir(e.File) + " to have a new authority made; clients must then trust it anew"
}

// homeError says that the user has no configuration directory.
type homeError struct{ err error }

func (e *homeError) Error() string {
	return fmt.Sprintf("find the local authority's directory: %v", e.err)
}
func (e *homeError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *homeError) Hint() string {
	return "set HOME or XDG_CONFIG_HOME to a directory that keeps the authority between runs"
}

// lockError says that the authority's directory cannot be locked.
type lockError struct {
	file string
	err  error
}

func (e *lockError) Error() string { return fmt.Sprintf("lock %s: %v", e.file, e.err) }
func (e *lockError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *lockError) Hint() string {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return "another process holds it: end it, or wait until it is done"
	}
	return "remove " + e.file + ": it holds nothing, and is made again"
}

// RootFile is the PEM file of the root's certificate in dir, which is made where
// there is none. An empty dir means axion/ca in the user's configuration
// directory. It is for commands that need no [Authority].
func RootFile(dir string) (string, error) {
	dir, err := rootDir(dir)
	if err != nil {
		return "", err
	}
	r, err := openRoot(dir)
	if err != nil {
		return "", fmt.Errorf("open the local authority: %w", err)
	}
	return r.file, nil
}

// rootDir is dir, or the default directory of the root.
func rootDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", &homeError{err}
	}
	return filepath.Join(base, "axion", "ca"), nil
}

// openRoot reads the root in dir, or makes one where there is none or it nears
// its end. A file lock keeps processes that start together from making two.
func openRoot(dir string) (*root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	if info, err := os.Lstat(lock.Path()); err == nil && !info.Mode().IsRegular() {
		return nil, &lockError{lock.Path(), errors.New("it is not a file")}
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, &lockError{lock.Path(), err}
	}
	defer func() { _ = lock.Close() }()

	r, err := readRoot(dir)
	if errors.Is(err, fs.ErrNotExist) && !certExists(dir) || err == nil && time.Until(r.cert.NotAfter) < intermediateLifetime {
		return makeRoot(dir)
	}
	return r, err
}

// certExists reports whether there is a certificate that clients may trust already. A
// key alone is what a process leaves that ended while it made a root.
func certExists(dir string) bool {
	certFile, _ := paths(dir)
	_, err := os.Lstat(certFile)
	return err == nil
}

// permits reports whether the root's clients accept a certificate for host, which
// is as [hostname.Name] gives it.
func (r *root) permits(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return slices.ContainsFunc(r.cert.PermittedIPRanges, func(n *net.IPNet) bool { return n.Contains(ip) })
	}
	return slices.ContainsFunc(r.cert.PermittedDNSDomains, func(d string) bool {
		d = strings.TrimPrefix(d, ".")
		return host == d || strings.HasSuffix(host, "."+d)
	})
}

func paths(dir string) (certFile, keyFile string) {
	return filepath.Join(dir, "root.crt"), filepath.Join(dir, "root.key")
}

func readRoot(dir string) (*root, error) {
	certFile, keyFile := paths(dir)
	certDER, err := readPEM(certFile, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	keyDER, err := readPEM(keyFile, "EC PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	// A restored backup or a copy may have lost the mode.
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		if err := os.Chmod(keyFile, 0o600); err != nil {
			return nil, &BadRoot{keyFile, err}
		}
	}
	key, err := x509.ParseECPrivateKey(keyDER)
	if err != nil {
		return nil, &BadRoot{keyFile, err}
	}
	crt, err := x509.ParseCertificate(certDER)
	switch {
	case err != nil:
		return nil, &BadRoot{certFile, err}
	case !key.PublicKey.Equal(crt.PublicKey):
		return nil, &BadRoot{certFile, errors.New("does not belong to the key beside it")}
	case !crt.IsCA || !crt.PermittedDNSDomainsCritical || len(crt.PermittedDNSDomains) == 0:
		return nil, &BadRoot{certFile, errors.New("is not an authority constrained to local names")}
	}
	return &root{cert: crt, key: key, file: certFile}, nil
}

func readPEM(file, kind string) ([]byte, error) {
	data, err := regular.Read(file, maxStored)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &BadRoot{file, fmt.Errorf("is missing: %w", fs.ErrNotExist)}
	}
	if err != nil {
		return nil, &BadRoot{file, err}
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != kind {
		return nil, &BadRoot{file, fmt.Errorf("holds no PEM block of type %s", kind)}
	}
	return block.Bytes, nil
}

func makeRoot(dir string) (*root, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	name := "axion local authority"
	if host, err := os.Hostname(); err == nil {
		name += " (" + host + ")"
	}
	now := time.Now()
	_, six, _ := net.ParseCIDR("::1/128")
	_, four, _ := net.ParseCIDR("127.0.0.0/8")
	template := &x509.Certificate{
		SerialNumber:                serial(),
		Subject:                     pkix.Name{CommonName: name, Organization: []string{"axion"}},
		NotBefore:                   now.Add(-backdate),
		NotAfter:                    now.Add(rootLifetime),
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLen:                  1,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges:           []*net.IPNet{four, six},
		// No address is permitted. One name in both lists says so to all verifiers: the
		// empty constraint, which would too, keeps Java from reading the certificate.
		PermittedEmailAddresses: []string{noMail},
		ExcludedEmailAddresses:  []string{noMail},
	}
	crt, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	certFile, keyFile := paths(dir)
	// The key comes first: a certificate is there only with its key.
	if err := writePEM(keyFile, "EC PRIVATE KEY", keyDER, 0o600); err != nil {
		return nil, err
	}
	if err := writePEM(certFile, "CERTIFICATE", crt.Raw, 0o644); err != nil {
		return nil, err
	}
	return &root{cert: crt, key: key, file: certFile}, nil
}

// writePEM replaces file in one step.
func writePEM(file, kind string, der []byte, mode fs.FileMode) error {
	return replaceFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

func replaceFile(file string, data []byte, mode fs.FileMode) error {
	next := file + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(next, data, mode); err != nil {
		return err
	}
	return os.Rename(next, file)
}
