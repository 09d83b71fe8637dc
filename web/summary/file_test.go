package summary_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"axion/web/summary"
)

// lock is what the lock of a data directory says.
type lock struct {
	held     bool
	instance string
	pid      int
	err      error
}

func (l lock) holder(string) (bool, string, int, error) { return l.held, l.instance, l.pid, l.err }

// TestSaveLoad: what is saved is found while its stack has the directory.
func TestSaveLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	saved := full
	saved.Instance, saved.PID, saved.Variables = "one", 7, map[string]string{"KAFKA_SASL_PASSWORD": "secret"}
	remove, err := saved.Save(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := saved
	for _, instance := range []string{"one", ""} { // a system may bar reading a locked file
		got, err := summary.Load(dir, lock{true, instance, 7, nil}.holder)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("files: %v, %v", files, err)
	}
	name := filepath.Join(dir, files[0].Name())
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v (%v), want 0600: secrets are in it", info.Mode(), err)
	}
	t.Run("ErrOther", func(t *testing.T) {
		got, err := summary.Load(dir, lock{true, "two", 8, nil}.holder)
		var starting *summary.NotReadyError
		if !errors.As(err, &starting) || starting.PID != 8 || !reflect.DeepEqual(got, summary.Summary{}) {
			t.Errorf("another stack has the directory: got %+v, %v, want a NotReadyError", got, err)
		}
	})
	t.Run("ErrCrashed", func(t *testing.T) {
		at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.Local)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
		got, err := summary.Load(dir, lock{}.holder)
		var none *summary.NotRunningError
		if !errors.As(err, &none) || !none.Crashed.Equal(at) || !reflect.DeepEqual(got, summary.Summary{}) {
			t.Fatalf("nobody has the directory: got %+v, %v, want a NotRunningError", got, err)
		}
		if text := err.Error(); !strings.Contains(text, "process 7, ended by a crash at 2026-02-03 04:05:06") ||
			!strings.Contains(none.Hint(), "again") {
			t.Errorf("got %s, hint %s", text, none.Hint())
		}
	})
	t.Run("ErrLock", func(t *testing.T) {
		if _, err := summary.Load(dir, lock{err: os.ErrPermission}.holder); !errors.Is(err, os.ErrPermission) {
			t.Errorf("got %v, want the lock's error", err)
		}
	})
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	t.Run("ErrNotRunning", func(t *testing.T) {
		_, err := summary.Load(dir, lock{}.holder)
		var none *summary.NotRunningError
		if !errors.As(err, &none) || none.Dir != dir || !none.Crashed.IsZero() || !strings.Contains(err.Error(), dir) || none.Hint() == "" {
			t.Errorf("got %v, want a NotRunningError of %s", err, dir)
		}
	})
	t.Run("ErrStarting", func(t *testing.T) {
		_, err := summary.Load(dir, lock{true, "two", 8, nil}.holder)
		var starting *summary.NotReadyError
		if !errors.As(err, &starting) || !strings.Contains(err.Error(), "process 8") || starting.Hint() == "" {
			t.Errorf("got %v, want a NotReadyError", err)
		}
	})
	t.Run("ErrDir", func(t *testing.T) {
		if _, err := full.Save(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want that the directory is missing", err)
		}
	})
	t.Run("ErrGarbage", func(t *testing.T) {
		if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := summary.Load(dir, lock{held: true}.holder); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that names the file", err)
		}
	})
}
