package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	intermediateLifetime = 365 * 24 * time.Hour
	leafLifetime         = 90 * 24 * time.Hour
)

// issuer signs leaves with an intermediate of its own, which lives as long as
// the process and is replaced before it could cut a leaf short.
type issuer struct {
	root *root

	mu           sync.Mutex
	intermediate *x509.Certificate
	key          *ecdsa.PrivateKey
}

// directory is the name of that of stored certificates. It differs by root: those of another
// one must not be served.
func (i *issuer) directory() string {
	sum := sha256.Sum256(i.root.cert.Raw)
	return "local-" + hex.EncodeToString(sum[:6])
}

// issue makes a certificate for a name or an address.
func (i *issuer) issue(host string) (*tls.Certificate, error) {
	parent, parentKey, err := i.signer()
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(leafLifetime - backdate),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	leaf, err := sign(template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, parent.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func (i *issuer) signer() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.intermediate != nil && time.Until(i.intermediate.NotAfter) > leafLifetime {
		return i.intermediate, i.key, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make intermediate: %w", err)
	}
	now := time.Now()
	end := now.Add(intermediateLifetime)
	if end.After(i.root.cert.NotAfter) {
		end = i.root.cert.NotAfter
	}
	crt, err := sign(&x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "axion local intermediate", Organization: []string{"axion"}},
		NotBefore:             now.Add(-backdate),
		NotAfter:              end,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}, i.root.cert, key.Public(), i.root.key)
	if err != nil {
		return nil, nil, fmt.Errorf("make intermediate: %w", err)
	}
	i.intermediate, i.key = crt, key
	return crt, key, nil
}

func sign(template, parent *x509.Certificate, subject crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, subject, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// serial is random: 127 bits, as the length is limited and zero is not allowed.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
