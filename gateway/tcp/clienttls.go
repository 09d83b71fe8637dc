package tcp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"axion/gateway/config"
)

const maxPEM = 1 << 20 // bytes

// clientTLS is the TLS towards servers; nil means the default one. The error
// begins with the setting that is wrong.
func clientTLS(c *config.TCPClientTLS) (*tls.Config, error) {
	if c == nil {
		return &tls.Config{}, nil
	}
	t := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: c.InsecureSkipVerify}
	if len(c.RootCAs) > 0 {
		t.RootCAs = x509.NewCertPool()
	}
	for _, ca := range c.RootCAs {
		text, err := readPEM(ca)
		if err != nil {
			return nil, fmt.Errorf("rootcas: %w", err)
		}
		if !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("rootcas: there is no certificate in it")
		}
	}
	for _, pair := range c.Certificates {
		made, err := readPair(pair)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		t.Certificates = append(t.Certificates, made)
	}
	if c.PeerCertURI != "" {
		t.VerifyConnection = func(s tls.ConnectionState) error { return checkURI(s, c.PeerCertURI) }
	}
	return t, nil
}

func readPair(pair config.KeyPair) (tls.Certificate, error) {
	cert, err := readPEM(pair.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readPEM(pair.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

// readPEM is a file's content, or the text itself where it is PEM.
func readPEM(text string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN") {
		return []byte(text), nil
	}
	f, err := os.Open(text)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxPEM))
}

// checkURI wants the server's certificate to be for a URI, such as a SPIFFE one.
func checkURI(s tls.ConnectionState, uri string) error {
	if len(s.PeerCertificates) > 0 && slices.ContainsFunc(s.PeerCertificates[0].URIs, func(u *url.URL) bool { return u.String() == uri }) {
		return nil
	}
	return fmt.Errorf("the server's certificate is not for %s", uri)
}
