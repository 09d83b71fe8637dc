package cert_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"axion/gateway/cert"
)

// TestBundleFile: what trusts the bundle trusts the roots of the system and the
// authority's; it is the same each time, also where it is the system's already.
func TestBundleFile(t *testing.T) {
	dir := t.TempDir()
	first, err := cert.New(cert.Options{Dir: filepath.Join(dir, "system")})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	t.Setenv("SSL_CERT_FILE", first.RootFile()) // stands for the system's
	a, err := cert.New(cert.Options{Dir: filepath.Join(dir, "ca")})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	file, err := a.BundleFile()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, root := range []string{first.RootFile(), a.RootFile()} {
		text, err := os.ReadFile(root)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, text...)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(data) || !bytes.Equal(data, want) {
		t.Errorf("bundle: got\n%s\nwant\n%s", data, want)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode: got %v, %v", info.Mode(), err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	if again, err := a.BundleFile(); again != file && again != "" || err != nil {
		t.Errorf("again: got %q, %v", again, err)
	}
	if now, err := os.ReadFile(file); err != nil || bytes.Count(now, []byte("BEGIN")) > 2 && bytes.Contains(now, want) {
		t.Errorf("the bundle grows: %d, %v", len(now), err)
	}
}
