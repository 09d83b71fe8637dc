package cert

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net"
	"path/filepath"
	"reflect"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"

	"axion/gateway/cert/storage"
	"axion/gateway/cert/zaplog"
	"axion/gateway/config"
)

// keyTypes by Traefik's names. The default is the one with the cheapest
// handshakes; Traefik's is RSA4096.
var keyTypes = map[string]certmagic.KeyType{
	"": certmagic.P256, "EC256": certmagic.P256, "EC384": certmagic.P384,
	"RSA2048": certmagic.RSA2048, "RSA4096": certmagic.RSA4096, "RSA8192": certmagic.RSA8192,
}

// account is one with an ACME server (RFC 8555).
type account struct {
	name   string // of the resolver
	server string
	config *config.ACME
	texts  []string // of the authorities that the server is verified with
	magic  *certmagic.Config
}

// authorities are those that the server is verified with: nil for the system's.
func authorities(c *config.ACME) (roots *x509.CertPool, texts []string, err error) {
	for _, file := range c.CACertificates {
		data, err := readText(file)
		if err != nil {
			return nil, nil, fmt.Errorf("caCertificates: %w", err)
		}
		if roots == nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(data) {
			return nil, nil, &optionError{"caCertificates", nameOf(file) + " holds no certificate", "give a file with certificates in PEM form"}
		}
		texts = append(texts, string(data))
	}
	return roots, texts, nil
}

// newAccount gives the old one where it would be the same. The server hears of it
// only once a host needs a certificate.
func (p *acmeIssuer) newAccount(cache *certmagic.Cache, name string, c *config.ACME, old *account) (*account, error) {
	a := &account{name: name, server: cmp.Or(c.CAServer, certmagic.LetsEncryptProductionCA), config: c}
	roots, texts, err := authorities(c)
	if err != nil {
		return nil, err
	}
	a.texts = texts
	if old != nil && reflect.DeepEqual(old.config, c) && reflect.DeepEqual(old.texts, a.texts) {
		return old, nil
	}
	key, err := parse("keyType", c.KeyType, keyTypes)
	if err != nil {
		return nil, err
	}
	dir := p.storage
	if dir != "" {
		dir = filepath.Join(dir, certmagic.StorageKeys.Safe(name))
		discardDamaged(dir, p.log)
	}
	log := zaplog.New(p.log)
	a.magic = certmagic.New(cache, certmagic.Config{
		KeySource:           certmagic.StandardKeyGenerator{KeyType: key},
		OCSP:                certmagic.OCSPConfig{DisableStapling: true},
		Storage:             storage.New(dir, maxCached),
		DisableStorageCheck: true,
		Logger:              log,
	})
	challengePort := p.challengePort.Addr().(*net.TCPAddr)
	issuer := certmagic.ACMEIssuer{
		CA: a.server, Email: c.Email, Agreed: true, TrustedRoots: roots, Logger: log,
		DisableHTTPChallenge:      c.HTTPChallenge == nil && c.TLSChallenge != nil,
		DisableTLSALPNChallenge:   c.TLSChallenge == nil && c.HTTPChallenge != nil,
		DisableDistributedSolvers: true, ListenHost: challengePort.IP.String(), AltHTTPPort: challengePort.Port,
		AltTLSALPNPort: challengePort.Port,
	}
	if c.EAB != nil {
		issuer.ExternalAccount = &acme.EAB{KeyID: c.EAB.KID, MACKey: c.EAB.HmacEncoded}
	}
	a.magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(a.magic, issuer)}
	return a, nil
}
