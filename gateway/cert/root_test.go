package cert_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/gateway/cert"
)

// rootIn reads the root in dir, as a thief of its key could.
func rootIn(t *testing.T, dir string) *authority {
	t.Helper()
	block := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := pem.Decode(data)
		if b == nil {
			t.Fatalf("%s: no PEM", name)
		}
		return b.Bytes
	}
	crt, err := x509.ParseCertificate(block("root.crt"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParseECPrivateKey(block("root.key"))
	if err != nil {
		t.Fatal(err)
	}
	return &authority{crt, key}
}

// TestRootLimits has a root's key sign what it must not stand for.
func TestRootLimits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, cert.Options{Dir: dir})
	root := rootIn(t, dir)
	if use := root.cert.ExtKeyUsage; len(use) != 1 || use[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("usage: got %v, want servers alone", use)
	}
	key := newKey(t)
	for name, test := range map[string]struct {
		leaf x509.Certificate
		use  x509.ExtKeyUsage
		want bool
	}{
		"OK/Server":  {x509.Certificate{DNSNames: []string{"a.localhost"}}, x509.ExtKeyUsageServerAuth, true},
		"OK/Address": {x509.Certificate{IPAddresses: []net.IP{net.IPv6loopback}}, x509.ExtKeyUsageServerAuth, true},
		"ErrClient":  {x509.Certificate{DNSNames: []string{"a.localhost"}}, x509.ExtKeyUsageClientAuth, false},
		"ErrMail":    {x509.Certificate{EmailAddresses: []string{"me@localhost"}}, x509.ExtKeyUsageServerAuth, false},
		"ErrMailToo": {x509.Certificate{DNSNames: []string{"a.localhost"}, EmailAddresses: []string{"me@shop.example"}},
			x509.ExtKeyUsageServerAuth, false},
		"ErrNobody":   {x509.Certificate{EmailAddresses: []string{"me@invalid"}}, x509.ExtKeyUsageServerAuth, false},
		"ErrProtect":  {x509.Certificate{EmailAddresses: []string{"me@localhost"}}, x509.ExtKeyUsageEmailProtection, false},
		"ErrProgram":  {x509.Certificate{DNSNames: []string{"a.localhost"}}, x509.ExtKeyUsageCodeSigning, false},
		"ErrElse":     {x509.Certificate{DNSNames: []string{"shop.example"}}, x509.ExtKeyUsageServerAuth, false},
		"ErrNotBelow": {x509.Certificate{DNSNames: []string{"notlocalhost"}}, x509.ExtKeyUsageServerAuth, false},
	} {
		leaf := test.leaf
		leaf.SerialNumber, leaf.NotBefore, leaf.NotAfter = big.NewInt(7), time.Now().Add(-time.Minute), time.Now().Add(time.Minute)
		leaf.ExtKeyUsage = []x509.ExtKeyUsage{test.use}
		_, err := sign(t, &leaf, root.cert, key, root.key).Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{test.use}})
		if (err == nil) != test.want {
			t.Errorf("%s: got %v, want accepted %v", name, err, test.want)
		}
	}
}

// TestOldRoot goes on with a root that was made before, as clients trust it.
func TestOldRoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := newKey(t)
	_, six, _ := net.ParseCIDR("::1/128")
	_, four, _ := net.ParseCIDR("127.0.0.0/8")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "old"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(5, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, MaxPathLen: 1,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"}, PermittedIPRanges: []*net.IPNet{four, six},
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	old := pemText("CERTIFICATE", sign(t, template, template, key, key).Raw)
	write(t, filepath.Join(dir, "root.crt"), old)
	write(t, filepath.Join(dir, "root.key"), pemText("EC PRIVATE KEY", der))
	for range 2 {
		a := open(t, cert.Options{Dir: dir})
		if _, err := shake(t, a, &tls.Config{ServerName: "a.localhost"}); err != nil {
			t.Errorf("handshake: %v", err)
		}
		a.Close()
	}
	if now, err := os.ReadFile(filepath.Join(dir, "root.crt")); err != nil || !bytes.Equal(now, []byte(old)) {
		t.Errorf("the root is another one: %v", err)
	}
}

// TestDamagedRoot says what is wrong and what to do, and leaves the files alone.
func TestDamagedRoot(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file   string
		damage func(t *testing.T, file string)
	}{
		"ErrEmpty":      {"root.crt", func(t *testing.T, file string) { write(t, file, "") }},
		"ErrTruncated":  {"root.crt", func(t *testing.T, file string) { truncate(t, file) }},
		"ErrDirectory":  {"root.crt", directory},
		"ErrKeyEmpty":   {"root.key", func(t *testing.T, file string) { write(t, file, "") }},
		"ErrKeyKind":    {"root.key", func(t *testing.T, file string) { write(t, file, pemText("PRIVATE KEY", []byte("x"))) }},
		"ErrKeyContent": {"root.key", func(t *testing.T, file string) { write(t, file, pemText("EC PRIVATE KEY", []byte("x"))) }},
		"ErrKeyMissing": {"root.key", remove},
		"ErrLock":       {"lock", directory},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			open(t, cert.Options{Dir: dir}).Close()
			test.damage(t, filepath.Join(dir, test.file))
			crt, _ := os.ReadFile(filepath.Join(dir, "root.crt"))
			_, err := cert.New(cert.Options{Dir: dir})
			hint, ok := errors.AsType[interface {
				error
				Hint() string
			}](err)
			if !ok || !strings.Contains(err.Error(), filepath.Join(dir, test.file)) || !strings.Contains(hint.Hint(), "remove "+dir) {
				t.Errorf("got %v, want an error that names the file and says what to do", err)
			}
			if now, _ := os.ReadFile(filepath.Join(dir, "root.crt")); !bytes.Equal(now, crt) {
				t.Error("the root's certificate, which clients may trust, was replaced")
			}
		})
	}
	t.Run("OK/KeyAlone", func(t *testing.T) { // of a process that ended while it made them
		t.Parallel()
		dir := t.TempDir()
		open(t, cert.Options{Dir: dir}).Close()
		remove(t, filepath.Join(dir, "root.crt"))
		open(t, cert.Options{Dir: dir})
	})
}

func directory(t *testing.T, file string) {
	t.Helper()
	remove(t, file)
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
}
