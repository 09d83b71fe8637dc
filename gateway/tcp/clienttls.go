package tcp

import (
	"crypto/tls"
	"fmt"

	"axion/gateway/config"
	"axion/gateway/pem"
)

// clientTLS is the TLS towards servers; nil means the default one. The error
// begins with the setting that is wrong.
func clientTLS(c *config.TCPClientTLS) (*tls.Config, error) {
	if c == nil {
		return &tls.Config{}, nil
	}
	t := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: c.InsecureSkipVerify}
	var err error
	if t.RootCAs, err = pem.Pool(c.RootCAs...); err != nil {
		return nil, fmt.Errorf("rootcas: %w", err)
	}
	for _, pair := range c.Certificates {
		made, err := pem.Pair(pair.CertFile, pair.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		t.Certificates = append(t.Certificates, made)
	}
	if c.PeerCertURI != "" {
		t.VerifyConnection = pem.ForURI(c.PeerCertURI)
	}
	return t, nil
}
