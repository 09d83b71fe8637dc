package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxFile bounds what is read of a file, in bytes. Bundles of a system have some
// hundred kilobytes.
const maxFile = 16 << 20

// readRoot reads the root's certificate from a PEM file.
func readRoot(file string) (*root, error) {
	certs, err := readCertificates(file)
	if err != nil {
		return nil, err
	}
	if len(certs) != 1 {
		return nil, &hintError{fmt.Sprintf("%s holds %d certificates, want the root's alone", file, len(certs)),
			"remove its directory to have a new authority made"}
	}
	return &root{file: file, cert: certs[0]}, nil
}

// readCertificates gives those of a PEM file that can be read.
func readCertificates(file string) ([]*x509.Certificate, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if crt, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			certs = append(certs, crt)
		}
	}
	return certs, nil
}

// fingerprint is the SHA-256 of the root, in upper case hex.
func (r *root) fingerprint() string {
	sum := sha256.Sum256(r.cert.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// name is the root's in stores. Each user's root has another one.
func (r *root) name() string { return "axion-" + strings.ToLower(r.fingerprint()[:12]) }

// in reports whether certs hold the root.
func (r *root) in(certs []*x509.Certificate) bool {
	for _, c := range certs {
		if bytes.Equal(c.Raw, r.cert.Raw) {
			return true
		}
	}
	return false
}

// verifies reports whether a client with these authorities accepts the root.
func (r *root) verifies(pool *x509.CertPool) bool {
	_, err := r.cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err == nil
}
