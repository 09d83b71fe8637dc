package tcp

import (
	"crypto/tls"
	"fmt"

	"axion/gateway/certfile"
	"axion/gateway/config"
)

// clientTLS is the TLS towards servers; nil means the default one. The error
// begins with the setting that is wrong.
func clientTLS(c *config.TCPClientTLS) (*tls.Config, error) {
	if c == nil {
		return &tls.Config{}, nil
	}
	t := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: c.InsecureSkipVerify}
	var err error
	if t.RootCAs, err = certfile.Pool(c.RootCAs...); err != nil {
		return nil, fmt.Errorf("rootcas: %w", err)
	}
	for _, pair := range c.Certificates {
		made, err := certfile.Pair(pair.CertFile, pair.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		t.Certificates = append(t.Certificates, made)
	}
	if c.PeerCertURI != "" {
		t.VerifyConnection = certfile.ForURI(c.PeerCertURI)
	}
	return t, nil
}
