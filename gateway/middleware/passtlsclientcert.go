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

// passTLSClientCert tells the service about the client's certificate: whole, as PEM
// without its frame and line breaks, or the parts asked for.
func passTLSClientCert(c *config.PassTLSClientCert) (Middleware, error) {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del(clientCertHeader)
			r.Header.Del(clientInfoHeader)
			if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
				chain := r.TLS.PeerCertificates
				if c.PEM {
					var all []string
					for _, cert := range chain {
						all = append(all, bare(cert))
					}
					r.Header.Set(clientCertHeader, strings.Join(all, ","))
				}
				if c.Info != nil {
					var all []string
					for _, cert := range chain {
						all = append(all, certInfo(cert, c.Info))
					}
					r.Header.Set(clientInfoHeader, url.QueryEscape(strings.Join(all, ",")))
				}
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

func bare(cert *x509.Certificate) string {
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
