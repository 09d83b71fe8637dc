package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"axion/services/clustertest"
)

// TestHeld distinguishes a lock that is held from one that was left behind.
func TestHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check := func(when string, wantHeld bool, wantInstance string) {
		t.Helper()
		held, instance, pid, err := Held(dir)
		if err != nil || held != wantHeld || instance != wantInstance || held && pid != os.Getpid() {
			t.Errorf("%s: got %v, %q, %d, %v, want %v, %q", when, held, instance, pid, err, wantHeld, wantInstance)
		}
	}
	check("no lock", false, "")
	var before string
	for range 2 {
		lock, err := Acquire(dir)
		if err != nil {
			t.Fatal(err)
		}
		if lock.Instance == before || lock.Instance == "" {
			t.Errorf("instance: got %q after %q, want a new one", lock.Instance, before)
		}
		before = lock.Instance
		check("locked", true, lock.Instance)
		check("a second look", true, lock.Instance)
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
		check("released", false, "")
	}
}

// TestRemoveStale removes what a killed process left, and nothing else.
func TestRemoveStale(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	make := func(name string, files ...string) string {
		dir := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Join(dir, "broker"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	dead := make("axion-1", temporaryFile, lockFile)
	living := make("axion-2", temporaryFile)
	lock, err := Acquire(living)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Release() })
	kept := []string{living, make("axion-data", lockFile), make("axion-starting", temporaryFile), make("other-1", temporaryFile, lockFile)}
	if runtime.GOOS != "windows" {
		target := make("target", temporaryFile, lockFile)
		if err := os.Symlink(target, filepath.Join(parent, "axion-link")); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, target)
	}
	removeStale(parent)
	removeStale(filepath.Join(parent, "missing"))
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("%s: got %v, want it gone", dead, err)
	}
	for _, dir := range kept {
		if _, err := os.Stat(filepath.Join(dir, "broker")); err != nil {
			t.Errorf("%s: %v, want it kept", dir, err)
		}
	}
}

// TestCreateTemporary takes the first place that nobody else may write into, and the last
// one whoever may; none is changed but by what is made there.
func TestCreateTemporary(t *testing.T) {
	t.Parallel()
	root := clustertest.PrivateDir(t)
	open := filepath.Join(root, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	own, below := filepath.Join(root, "new", "own"), filepath.Join(open, "below")
	for name, tt := range map[string]struct {
		parents []string
		want    string
	}{
		"OK":        {[]string{own, open}, own},
		"OKSecond":  {[]string{open, below, own, open}, own},
		"OKNoPlace": {[]string{filepath.Join(file, "x"), own, open}, own},
		"OKLast":    {[]string{below, open}, open},
		"Err":       {[]string{filepath.Join(file, "x")}, ""},
	} {
		dir, err := createTemporary(tt.parents)
		if tt.want == "" {
			if err == nil || !strings.Contains(err.Error(), "--ephemeral") {
				t.Errorf("%s: got %q, %v", name, dir, err)
			}
			continue
		}
		info, failed := os.Stat(dir)
		if err != nil || failed != nil || filepath.Dir(dir) != tt.want || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: got %q, %v, want it in %s", name, dir, err, tt.want)
		}
	}
	if _, err := os.Stat(below); !os.IsNotExist(err) {
		t.Errorf("%s: got %v, want it passed by", below, err)
	}
}

// TestForeignDir: a directory of another user is not taken, who could change what is
// kept there, nor shared.
func TestForeignDir(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		clustertest.Missing(t, "root", "run the test as root, who may give folders away")
	}
	d := Dir{Path: t.TempDir()}
	if err := errors.Join(os.Chown(d.Path, 4711, 4711), os.Chmod(d.Path, 0o777)); err != nil {
		t.Fatal(err)
	}
	_, _, err := d.Open(nil)
	_, shared := d.EnsureShared(nil)
	for _, err := range []error{err, shared} {
		var hinter interface{ Hint() string }
		if !errors.As(err, &hinter) || !strings.Contains(err.Error(), d.Path) || !strings.Contains(err.Error(), "user 4711") {
			t.Errorf("got %v, want it refused with a hint", err)
		}
	}
	if left, _ := os.ReadDir(d.Path); len(left) != 0 {
		t.Errorf("it holds %v", left)
	}
}
