package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const (
	// temporaryPrefix begins the name of a directory that keeps nothing.
	temporaryPrefix = "axion-"
	// temporaryFile is in such a directory from when it is locked: others of the same
	// prefix are not axion's to remove.
	temporaryFile = "ephemeral"
)

// mark says that the directory goes with the process that has its lock.
func mark(dir string) error {
	text := "The next start of axion removes this directory, once no process has its lock.\n"
	if err := os.WriteFile(filepath.Join(dir, temporaryFile), []byte(text), 0o600); err != nil {
		return fmt.Errorf("--ephemeral: %w", err)
	}
	return nil
}

// removeDead removes from within parent the marked directories of this user whose
// process was killed: one that lives has the lock. What cannot be removed stays, for
// the next start.
func removeDead(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), temporaryPrefix) {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		if info, err := os.Lstat(filepath.Join(dir, temporaryFile)); err != nil || !info.Mode().IsRegular() || !owned(info) {
			continue
		}
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || !owned(info) {
			continue
		}
		lock := flock.New(filepath.Join(dir, lockFile), flock.SetFlag(os.O_RDWR)) // not made where it is missing
		if got, err := lock.TryLock(); err != nil || !got {
			continue
		}
		_ = lock.Close() // Windows removes no open file
		_ = os.RemoveAll(dir)
	}
}
