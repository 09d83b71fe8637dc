// Package certfile reads the certificates and keys that settings name: by a file's path, or
// as PEM text itself.
package certfile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"axion/gateway/regular"
)

// maxFile bounds a file, in bytes.
const maxFile = 1 << 20

// IsPEM reports whether what a setting names is PEM text, and not a file.
func IsPEM(fileOrText string) bool { return strings.Contains(fileOrText, "-----BEGIN ") }

// Read gives a file's content, or the text itself where it is PEM.
func Read(fileOrText string) ([]byte, error) {
	if IsPEM(fileOrText) {
		return []byte(fileOrText), nil
	}
	data, err := regular.Read(fileOrText, maxFile)
	if _, known := errors.AsType[*fs.PathError](err); err != nil && !known {
		err = fmt.Errorf("%s: %w", fileOrText, err)
	}
	return data, err
}

// Pool holds the certificates of all that it is given; nil for none, which means the
// system's.
func Pool(filesOrTexts ...string) (*x509.CertPool, error) {
	if len(filesOrTexts) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	for _, one := range filesOrTexts {
		text, err := Read(one)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, errors.New("there is no certificate in it")
		}
	}
	return pool, nil
}

// Pair is a certificate with its key.
func Pair(cert, key string) (tls.Certificate, error) {
	c, err := Read(cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	k, err := Read(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(c, k)
}

// ForURI wants a server's certificate to be for a URI, such as a SPIFFE one. It is a
// [tls.Config]'s VerifyConnection.
func ForURI(uri string) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) > 0 && slices.ContainsFunc(s.PeerCertificates[0].URIs, func(u *url.URL) bool { return u.String() == uri }) {
			return nil
		}
		return fmt.Errorf("the server's certificate is not for %s", uri)
	}
}
