package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddyserver/certmagic"

	"axion/gateway/regular"
)

// maxStored bounds a file that is kept, in bytes.
const maxStored = 1 << 20

// paths are the files of a host's certificate.
func (l *localIssuer) paths(host string) (certFile, keyFile string) {
	name := certmagic.StorageKeys.Safe(host)
	return filepath.Join(l.dir, name, name+".crt"), filepath.Join(l.dir, name, name+".key")
}

// load reads the certificate of host from its files: nil where there are none, or
// none that can be served, which it says.
func (l *localIssuer) load(host string) *tls.Certificate {
	certFile, keyFile := l.paths(host)
	chain, err := regular.Read(certFile, maxStored)
	key, keyErr := regular.Read(keyFile, maxStored)
	if errors.Is(err, fs.ErrNotExist) && errors.Is(keyErr, fs.ErrNotExist) {
		return nil
	}
	c, err := l.check(host, chain, key, errors.Join(err, keyErr))
	if err != nil {
		l.log.Warn("a stored certificate is damaged: it is issued again", "host", host, "file", certFile, "error", err)
		return nil
	}
	if !fresh(c) {
		return nil
	}
	return c
}

// check makes a certificate of the content of its files, where the root's clients
// would accept it for host.
func (l *localIssuer) check(host string, chain, key []byte, err error) (*tls.Certificate, error) {
	if err != nil {
		return nil, err
	}
	c, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	others := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		if crt, err := x509.ParseCertificate(der); err == nil {
			others.AddCert(crt)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(l.issuer.root.cert)
	// As of its beginning: that it has ended is no damage. The root's limits are for
	// clients to judge, as a router may ask for a host that they do not allow.
	_, err = c.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: others, CurrentTime: c.Leaf.NotBefore.Add(backdate)})
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.CANotAuthorizedForThisName {
		err = nil
	}
	if err == nil {
		err = c.Leaf.VerifyHostname(host)
	}
	return &c, err
}

// save writes the files of a certificate. A directory or a link in their place is
// replaced.
func (l *localIssuer) save(host string, c *tls.Certificate) error {
	certFile, keyFile := l.paths(host)
	if err := l.clear(filepath.Dir(certFile), certFile, keyFile); err != nil {
		return err
	}
	key, err := x509.MarshalECPrivateKey(c.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	if err := writePEM(keyFile, "EC PRIVATE KEY", key, 0o600); err != nil {
		return err
	}
	var chain bytes.Buffer
	for _, der := range c.Certificate {
		if err := pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return fmt.Errorf("encode certificate: %w", err)
		}
	}
	return replaceFile(certFile, chain.Bytes(), 0o600)
}

// clear makes a directory in which the files can be written.
func (l *localIssuer) clear(dir string, files ...string) error {
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		if err := os.Remove(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, file := range files {
		if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
			if err := os.RemoveAll(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove removes the files of a host.
func (l *localIssuer) remove(host string) {
	certFile, _ := l.paths(host)
	if err := os.RemoveAll(filepath.Dir(certFile)); err != nil {
		l.log.Warn("a certificate's files stay", "host", host, "error", err)
	}
}
