package middleware

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"axion/gateway/certfile"
	"axion/gateway/config"
)

// clientTransport is a way to another server with TLS settings of its own; c nil
// means the system's.
func clientTransport(ctx context.Context, c *config.ClientTLS) (*http.Transport, error) {
	t := &http.Transport{IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 32}
	closeWith(ctx, t)
	if c == nil {
		return t, nil
	}
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: c.InsecureSkipVerify}
	var err error
	if c.CA != "" {
		if t.TLSClientConfig.RootCAs, err = certfile.Pool(c.CA); err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("tls.cert and tls.key need each other")
	}
	if c.Cert != "" {
		pair, err := certfile.Pair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("tls.cert: %w", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
