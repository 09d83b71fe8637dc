package broker

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestHeld tells a lock that is held from one that was left behind.
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
		lock, err := LockDir(dir)
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

// TestRemoveDead removes what a killed process left, and nothing else.
func TestRemoveDead(t *testing.T) {
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
	lock, err := LockDir(living)
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
	removeDead(parent)
	removeDead(filepath.Join(parent, "missing"))
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("%s: got %v, want it gone", dead, err)
	}
	for _, dir := range kept {
		if _, err := os.Stat(filepath.Join(dir, "broker")); err != nil {
			t.Errorf("%s: %v, want it kept", dir, err)
		}
	}
}
