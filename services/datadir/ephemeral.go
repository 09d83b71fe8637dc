package datadir

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"axion/services/datadir/private"
)

const (
	// temporaryPrefix begins the name of a directory that keeps nothing.
	temporaryPrefix = "axion-"
	// temporaryFile is in such a directory from when it is locked: others of the same
	// prefix are not axion's to remove.
	temporaryFile = "ephemeral"
)

// temporaryParents are where directories that keep nothing may be, the best first: where
// nobody else may write, the system's place for temporary files, as on macOS or by
// TMPDIR, and the user's for caches, of which the home need not be in the environment.
// XDG_RUNTIME_DIR comes after them, which is often memory, small, and gone at the end of
// a session (XDG Base Directory Specification: no larger files). The last one is the
// system's whoever may write there: no project runs as a process then.
func temporaryParents() []string {
	const own = "axion"
	all := []string{os.TempDir()}
	if cache, err := os.UserCacheDir(); err == nil {
		all = append(all, filepath.Join(cache, own))
	}
	if u, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil && filepath.IsAbs(u.HomeDir) {
		all = append(all, filepath.Join(u.HomeDir, ".cache", own))
	}
	if session := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(session) {
		all = append(all, filepath.Join(session, own))
	}
	return append(all, os.TempDir())
}

// createTemporary creates a directory in the first of parents where that succeeds and that nobody
// else may write into, or else in the last.
func createTemporary(parents []string) (dir string, err error) {
	for i, parent := range parents {
		if private.Check(parent) != nil && i < len(parents)-1 {
			continue // nor is anything made there
		}
		if err = os.MkdirAll(parent, 0o700); err != nil {
			continue
		}
		if dir, err = os.MkdirTemp(parent, temporaryPrefix); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("--ephemeral: %w", err)
}

// removeStaleIn removes what killed processes left within each of parents.
func removeStaleIn(parents []string) {
	slices.Sort(parents)
	for _, parent := range slices.Compact(parents) {
		removeStale(parent)
	}
}

// markEphemeral says that the directory goes with the process that has its lock.
func markEphemeral(dir string) error {
	text := "The next start of axion removes this directory, once no process has its lock.\n"
	if err := os.WriteFile(filepath.Join(dir, temporaryFile), []byte(text), 0o600); err != nil {
		return fmt.Errorf("--ephemeral: %w", err)
	}
	return nil
}

// removeStale removes from within parent the marked directories of this user whose
// process was killed: one that lives has the lock. What cannot be removed stays, for
// the next start.
func removeStale(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), temporaryPrefix) {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		if info, err := os.Lstat(filepath.Join(dir, temporaryFile)); err != nil || !info.Mode().IsRegular() || !ownedByUser(info) {
			continue
		}
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || !ownedByUser(info) {
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
