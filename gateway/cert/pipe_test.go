//go:build unix

package cert_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"axion/gateway/cert"
	"axion/gateway/regular"
)

// pipe puts a named pipe in a file's place: reading it would wait for ever.
func pipe(t *testing.T, file string) {
	t.Helper()
	remove(t, file)
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Skip(err)
	}
}

// TestPipe starts again where pipes are in the place of files.
func TestPipe(t *testing.T) {
	t.Parallel()
	const host = "shop.localhost"
	for _, kind := range []string{".crt", ".key"} {
		t.Run("Certificate"+kind, func(t *testing.T) {
			t.Parallel()
			dir, storage := t.TempDir(), t.TempDir()
			again := func() *cert.Authority {
				a := open(t, cert.Options{Dir: dir, Storage: storage, Log: slog.New(slog.DiscardHandler)})
				wantProblems(t, a.Apply(naming(host)))
				return a
			}
			a := again()
			first := serial(t, a, host)
			a.Close()
			found, _ := filepath.Glob(filepath.Join(storage, "certificates", "*", host, host+kind))
			if len(found) != 1 {
				t.Fatalf("files: got %v", found)
			}
			pipe(t, found[0])
			a = again()
			second := serial(t, a, host)
			a.Close()
			if second == first {
				t.Error("got the certificate whose file is a pipe")
			}
			if third := serial(t, again(), host); third != second {
				t.Error("the third start: got another certificate")
			}
		})
	}
	for _, name := range []string{"root.crt", "root.key"} {
		t.Run("Err/"+name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			open(t, cert.Options{Dir: dir}).Close()
			pipe(t, filepath.Join(dir, name))
			if _, err := cert.New(cert.Options{Dir: dir}); !errors.Is(err, regular.ErrKind) {
				t.Errorf("got %v, want %v", err, regular.ErrKind)
			}
			if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
				t.Errorf("it was removed: %v", err)
			}
		})
	}
}
