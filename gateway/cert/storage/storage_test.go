package storage

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
)

// TestStorage has both kinds say the same of the same files.
func TestStorage(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]certmagic.Storage{"Disk": New(t.TempDir(), 1), "Memory": New("", 10)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			if _, err := s.Load(ctx, "a/b.crt"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("before it is stored: got %v", err)
			}
			for _, key := range []string{"a/b.crt", "a/b.key", "a/c/d.crt"} {
				if err := s.Store(ctx, key, []byte(key)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.Load(ctx, "a/b.crt"); err != nil || string(got) != "a/b.crt" {
				t.Errorf("load: got %q, %v", got, err)
			}
			flat, err := s.List(ctx, "a", false)
			slices.Sort(flat)
			if err != nil || !slices.Equal(flat, []string{"a/b.crt", "a/b.key", "a/c"}) {
				t.Errorf("list: got %v, %v", flat, err)
			}
			if info, err := s.Stat(ctx, "a/b.key"); err != nil || info.Size != int64(len("a/b.key")) || !info.IsTerminal {
				t.Errorf("stat of a file: got %+v, %v", info, err)
			}
			if info, err := s.Stat(ctx, "a/c"); err != nil || info.IsTerminal {
				t.Errorf("stat of a folder: got %+v, %v", info, err)
			}
			if err := s.Delete(ctx, "a/c"); err != nil || s.Exists(ctx, "a/c/d.crt") || !s.Exists(ctx, "a/b.crt") {
				t.Errorf("delete of a folder: %v", err)
			}
		})
	}
}

// TestLock: a name that is locked is waited for, by each in its turn, and no longer than
// the context lasts.
func TestLock(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]certmagic.Storage{"Disk": New(t.TempDir(), 1), "Memory": New("", 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := s.Lock(t.Context(), "n"); err != nil {
				t.Fatal(err)
			}
			if err := s.Lock(t.Context(), "other"); err != nil {
				t.Errorf("another name: %v", err)
			}
			late, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := s.Lock(late, "n"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("locked: got %v", err)
			}
			second := make(chan error)
			go func() { second <- s.Lock(context.Background(), "n") }()
			if err := s.Unlock(t.Context(), "n"); err != nil {
				t.Error(err)
			}
			if err := <-second; err != nil {
				t.Errorf("the second: %v", err)
			}
			if err := s.Unlock(t.Context(), "n"); err != nil {
				t.Error(err)
			}
			if err := s.Unlock(t.Context(), "n"); err == nil {
				t.Error("a name that is free was unlocked")
			}
		})
	}
}

// TestMemoryBound: memory forgets what it has rather than to grow.
func TestMemoryBound(t *testing.T) {
	t.Parallel()
	s := newMemory(1)
	for _, key := range []string{"a", "b", "c", "d"} {
		if err := s.Store(t.Context(), key, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.files) != 1 || !s.Exists(t.Context(), "d") {
		t.Errorf("got %d files, want the last alone", len(s.files))
	}
}
