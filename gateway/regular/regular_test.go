package regular_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/gateway/regular"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if data, err := regular.Read(file, 4); string(data) != "text" || err != nil {
			t.Errorf("file: got %q, %v", data, err)
		}
		if data, err := regular.Read(empty, 4); data == nil || err != nil {
			t.Errorf("empty file: got %v, %v", data, err)
		}
		if _, err := regular.Read(file, 3); err == nil || !strings.Contains(err.Error(), "larger than 3 bytes") {
			t.Errorf("long file: got %v", err)
		}
		if _, err := regular.Read(dir, 3); !errors.Is(err, regular.ErrKind) {
			t.Errorf("directory: got %v", err)
		}
		if _, err := regular.Read(filepath.Join(dir, "none"), 3); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: got %v", err)
		}
	}
}
