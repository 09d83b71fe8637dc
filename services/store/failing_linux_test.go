package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"axion/services/clustertest"
	"axion/services/store"
)

// mount mounts at dir until unmount, which the test's end calls too.
func mount(t *testing.T, source, dir, kind string, flags uintptr, data string) (unmount func()) {
	t.Helper()
	if err := syscall.Mount(source, dir, kind, flags, data); errors.Is(err, syscall.EPERM) {
		clustertest.Missing(t, "the right to mount", "nothing, and be root")
	} else if err != nil {
		t.Fatal(err)
	}
	mounted := true
	unmount = func() {
		if mounted {
			mounted = false
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(unmount)
	return unmount
}

// TestStorageFull: a disk that is full is reported while it is, and no longer.
func TestStorageFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=4m")
	db := open(t, filepath.Join(dir, "s.db"), notes)
	insert := func() error {
		_, err := db.Exec("INSERT INTO notes (name) VALUES ($1)", string(make([]byte, 256<<10)))
		store.RecordFailure(db, err)
		return err
	}
	if err := errors.Join(store.Storage(t.Context(), db), insert()); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	for range 2 { // once more: it is no latch
		for n := 4 << 20; n >= 4<<10; n /= 2 {
			f, err := os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = f.Write(make([]byte, n))
			_ = f.Close()
		}
		var full *store.StorageError
		if err := store.Storage(t.Context(), db); !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) || full.Dir != dir ||
			full.Hint() == "" {
			t.Errorf("full: got %v", err)
		}
		if err := insert(); !store.IsOutage(err) {
			t.Errorf("full: got %v, want an outage", err)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(store.Storage(t.Context(), db), insert()); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
}

// TestStorageReadOnly: so is one that became read-only.
func TestStorageReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, filepath.Join(dir, "s.db"), notes)
	unmount := mount(t, dir, dir, "", syscall.MS_BIND, "")
	if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	var refused *store.StorageError
	if err := store.Storage(t.Context(), db); !errors.As(err, &refused) || !errors.Is(err, syscall.EROFS) {
		t.Errorf("read-only: got %v", err)
	}
	unmount()
	if err := store.Storage(t.Context(), db); err != nil {
		t.Errorf("writable again: %v", err)
	}
}
