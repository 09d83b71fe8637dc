package datadir_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/datadir"
)

func TestDirResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		dir   datadir.Dir
		files []string
		want  string
	}{
		{"OKNamed", datadir.Dir{Path: "d"}, []string{"app/compose.yaml"}, "d"},
		{"OKBesideFile", datadir.Dir{}, []string{"app/compose.yaml", "other/compose.yaml"}, filepath.Join("app", ".axion")},
		{"OKHere", datadir.Dir{}, nil, ".axion"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.dir.Resolve(tt.files); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDirOpen(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		want := filepath.Join(t.TempDir(), "new")
		dir, release, err := (&datadir.Dir{Path: want}).Open(nil)
		if err != nil || dir != want {
			t.Fatalf("got %q, %v, want %q", dir, err, want)
		}
		if text, err := os.ReadFile(filepath.Join(dir, ".gitignore")); err != nil || strings.TrimSpace(string(text)) != "*" {
			t.Errorf(".gitignore: got %q, %v, want that git passes all of it by", text, err)
		}
		var inUse *datadir.InUseError
		if _, _, err := (&datadir.Dir{Path: want}).Open(nil); !errors.As(err, &inUse) {
			t.Errorf("a second time: got %v, want an InUseError", err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("after release: %v, want the directory kept", err)
		}
	})
	t.Run("OKEphemeral", func(t *testing.T) {
		t.Parallel()
		dir, release, err := (&datadir.Dir{Ephemeral: true}).Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after release: got %v, want the directory gone", err)
		}
	})
	t.Run("ErrBoth", func(t *testing.T) {
		t.Parallel()
		d := datadir.Dir{Path: t.TempDir(), Ephemeral: true}
		if _, _, err := d.Open(nil); err == nil || !strings.Contains(err.Error(), "--ephemeral") {
			t.Errorf("got %v, want an error that names both flags", err)
		}
	})
}

// TestDirFormat: a directory has a format, and one of a newer program is refused.
func TestDirFormat(t *testing.T) {
	t.Parallel()
	d := datadir.Dir{Path: t.TempDir()}
	for range 2 {
		_, release, err := d.Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(d.Path, "format"), []byte("2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the lock was given back
		_, _, err := d.Open(nil)
		var newer *datadir.NewerFormatError
		if !errors.As(err, &newer) || newer.Dir != d.Path || newer.Format != 2 || newer.Known != 1 || newer.Hint() == "" {
			t.Errorf("got %v, want that format 2 is refused", err)
		}
	}
}
