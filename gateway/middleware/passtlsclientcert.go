package middleware

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"axion/gateway/config"
)

const (
	clientCertHeader = "X-Forwarded-Tls-Client-Cert"
	clientInfoHeader = "X-Forwarded-Tls-Client-Cert-Info"
)

// passTLSClientCert sends the client's certificate to the service: whole, as PEM
// without its frame and line breaks, or the parts asked for.
func passTLSClientCert(c *config.PassTLSClientCert) (Middleware, error) {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del(clientCertHeader)
			r.Header.Del(clientInfoHeader)
			if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
				setClientCert(r.Header, r.TLS.PeerCertificates, c)
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// setClientCert sets the headers that describe a client's certificates.
func setClientCert(h http.Header, chain []*x509.Certificate, c *config.PassTLSClientCert) {
	joined := func(text func(*x509.Certificate) string) string {
		all := make([]string, len(chain))
		for i, cert := range chain {
			all[i] = text(cert)
		}
		return strings.Join(all, ",")
	}
	if c.PEM {
		h.Set(clientCertHeader, joined(unframedPEM))
	}
	if c.Info != nil {
		h.Set(clientInfoHeader, url.QueryEscape(joined(func(cert *x509.Certificate) string { return certInfo(cert, c.Info) })))
	}
}

func unframedPEM(cert *x509.Certificate) string {
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	return strings.NewReplacer("-----BEGIN CERTIFICATE-----", "", "-----END CERTIFICATE-----", "", "\n", "").Replace(text)
}

func certInfo(cert *x509.Certificate, c *config.ClientCertInfo) string {
	var parts []string
	quoted := func(name, value string) {
		if value != "" {
			parts = append(parts, name+`="`+value+`"`)
		}
	}
	quoted("Subject", distinguished(cert.Subject.Names, c.Subject))
	quoted("Issuer", distinguished(cert.Issuer.Names, c.Issuer))
	if c.SerialNumber && cert.SerialNumber != nil {
		quoted("SerialNumber", cert.SerialNumber.String())
	}
	if c.NotBefore {
		quoted("NB", strconv.FormatInt(cert.NotBefore.Unix(), 10))
	}
	if c.NotAfter {
		quoted("NA", strconv.FormatInt(cert.NotAfter.Unix(), 10))
	}
	if c.Sans {
		names := append([]string{}, cert.DNSNames...)
		names = append(names, cert.EmailAddresses...)
		for _, ip := range cert.IPAddresses {
			names = append(names, ip.String())
		}
		for _, u := range cert.URIs {
			names = append(names, u.String())
		}
		quoted("SAN", strings.Join(names, ","))
	}
	return strings.Join(parts, ";")
}
