package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
)

// lockFile is the name of the lock in a data directory.
const lockFile = "lock"

// Lock is held on a data directory. The operating system frees it when the
// process ends, however it ends. Keep it until then, or until Release: one that
// is dropped may be freed with its memory.
type Lock struct {
	// Instance distinguishes one locking from every other: an id that is never given twice.
	Instance string
	file     *flock.Flock
}

// Acquire locks the data directory dir for this process, creating it (mode
// 0700) where missing. The file "lock" in it has its id and the instance. A directory
// in use gives a [*InUseError], after the moment for which a [Held] may have the lock.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &lockError{err}
	}
	path := filepath.Join(dir, lockFile)
	file := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	got, err := file.TryLockContext(ctx, probeTimeout/10)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, &lockError{err}
	}
	if !got {
		_, pid := lockHolder(path)
		return nil, &InUseError{Dir: dir, PID: pid}
	}
	// Others check by it what else they know of this process: where the system bars
	// writing to a locked file, they go without.
	instance := uuid.Must(uuid.NewV7()).String()
	_ = os.WriteFile(path, fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), instance), 0o600)
	return &Lock{Instance: instance, file: file}, nil
}

// probeTimeout is longer than [Held] has a lock for.
const probeTimeout = 100 * time.Millisecond

// Held says whether a process, this one too, has the lock of the data directory
// dir: its instance, see [Lock], and its id, where the system lets a locked file be
// read. The lock is the system's: a process that was killed has none. A directory that
// is not there is not held.
func Held(dir string) (held bool, instance string, pid int, err error) {
	path := filepath.Join(dir, lockFile)
	file := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := file.TryRLock() // shared: several may look at once
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, "", 0, nil
	case err != nil:
		return false, "", 0, fmt.Errorf("look at the lock of %s: %w", dir, err)
	case free:
		return false, "", 0, file.Close()
	}
	instance, pid = lockHolder(path)
	return true, instance, pid, nil
}

// Release frees the directory. It may be called more than once.
func (l *Lock) Release() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("release data directory: %w", err)
	}
	return nil
}

// lockHolder reads a lock file; what cannot be read is zero.
func lockHolder(path string) (instance string, pid int) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", 0
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	if pid, err = strconv.Atoi(first); err != nil {
		return "", 0
	}
	return strings.TrimSpace(rest), pid
}

// lockError says that a data directory cannot be made or written to; err names it.
type lockError struct{ err error }

func (e *lockError) Error() string { return fmt.Sprintf("lock data directory: %v", e.err) }
func (e *lockError) Unwrap() error { return e.err }

// Hint is the hint shown with the error.
func (e *lockError) Hint() string {
	return "use a directory that you may write to by --data DIR, or none by --ephemeral"
}

// InUseError says that another process works in a data directory.
type InUseError struct {
	Dir string
	PID int // 0 where unknown
}

// Error names the directory and the process.
func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("data directory %s is in use by process %d", e.Dir, e.PID)
}

// Hint is the hint shown with the error.
func (e *InUseError) Hint() string {
	return "where that is the stack of this folder, see axion ps, or end it by axion down; or use another directory by --data DIR, " +
		"or none by --ephemeral"
}
