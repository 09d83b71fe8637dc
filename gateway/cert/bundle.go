package cert

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

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
