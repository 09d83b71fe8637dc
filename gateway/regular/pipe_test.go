//go:build unix

package regular_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"axion/gateway/regular"
)

func TestReadPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(pipe, link); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{pipe, link, os.DevNull} {
		if _, err := regular.Read(path, 4); !errors.Is(err, regular.ErrKind) {
			t.Errorf("%s: got %v, want %v", path, err, regular.ErrKind)
		}
	}
}
