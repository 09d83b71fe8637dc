package cert_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
)

// entry is the entrypoint of tests.
func entry() string { return "websecure" }

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: t.Name()}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return &authority{sign(t, template, template, key, key), key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return crt
}

// issue gives PEM texts of a certificate for names, the first of which is the
// organisation too, for tests to distinguish certificates.
func (a *authority) issue(t *testing.T, end time.Time, names ...string) (crt, key string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{Organization: names[:1]}, NotBefore: end.Add(-48 * time.Hour),
		NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	k := newKey(t)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	leaf := sign(t, template, a.cert, k, a.key)
	return pemText("CERTIFICATE", leaf.Raw), pemText("EC PRIVATE KEY", der)
}

// client gives a certificate for clients.
func (a *authority) client(t *testing.T) []tls.Certificate {
	t.Helper()
	crt, key := a.issue(t, time.Now().Add(time.Hour), "client")
	pair, err := tls.X509KeyPair([]byte(crt), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{pair}
}

func (a *authority) pem() string { return pemText("CERTIFICATE", a.cert.Raw) }

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// pair is a valid one for names, as text.
func (a *authority) pair(t *testing.T, names ...string) config.Certificate {
	t.Helper()
	crt, key := a.issue(t, time.Now().Add(time.Hour), names...)
	return config.Certificate{CertFile: crt, KeyFile: key}
}

// files is pair in files of dir.
func (a *authority) files(t *testing.T, dir string, names ...string) config.Certificate {
	t.Helper()
	c := a.pair(t, names...)
	crt, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write(t, crt, c.CertFile)
	write(t, key, c.KeyFile)
	return config.Certificate{Origin: config.Origin{File: "tls.yaml", Line: 3}, CertFile: crt, KeyFile: key}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wantProblems checks that there is one problem for each text, which it holds.
func wantProblems(t *testing.T, got []config.Problem, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("problems: got %v, want %d", got, len(want))
	}
	for i, p := range got {
		if text := p.Error() + " | " + p.Fix; !strings.Contains(text, want[i]) {
			t.Errorf("problem: got %q, want it to hold %q", text, want[i])
		}
	}
}
