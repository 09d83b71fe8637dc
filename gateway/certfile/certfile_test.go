package certfile_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	encoding "encoding/pem"

	"axion/gateway/certfile"
)

func TestRead(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	text := string(encoding.EncodeToMemory(&encoding.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, give := range []string{text, "\n" + text, file} {
		got, err := certfile.Read(give)
		if err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(text) {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if pool, err := certfile.Pool(file, text); err != nil || pool == nil {
		t.Errorf("pool: %v", err)
	}
	if pool, err := certfile.Pool(); err != nil || pool != nil {
		t.Errorf("the system's pool: got %v, %v", pool, err)
	}
	for _, give := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none"), os.DevNull} {
		if _, err := certfile.Read(give); err == nil {
			t.Errorf("%s was read", give)
		}
	}
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certfile.Pool(junk); err == nil {
		t.Error("junk is a pool")
	}
	if _, err := certfile.Pair(text, junk); err == nil {
		t.Error("junk is a key")
	}
}
