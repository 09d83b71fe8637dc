package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// lockFile is the name of the lock in a data directory.
const lockFile = "lock"

// Lock is held on a data directory. The operating system frees it when the
// process ends, however it ends. Keep it until then, or until Release: one that
// is dropped may be freed with its memory.
type Lock struct{ file *flock.Flock }

// LockDir locks the data directory dir for this process, creating it (mode
// 0700) where missing. The file "lock" in it holds the process id. A directory
// in use gives a [*InUseError] at once.
func LockDir(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &lockError{err}
	}
	path := filepath.Join(dir, lockFile)
	file := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	got, err := file.TryLock()
	if err != nil {
		return nil, &lockError{err}
	}
	if !got {
		return nil, &InUseError{Dir: dir, PID: holder(path)}
	}
	// The process id only serves another process's message: where the system
	// bars writing to a locked file, the message goes without.
	_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
	return &Lock{file}, nil
}

// Release frees the directory. It may be called more than once.
func (l *Lock) Release() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("release data directory: %w", err)
	}
	return nil
}

// holder reads the process id in a lock file; 0 where there is none to read.
func holder(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// lockError says that a data directory cannot be made or written to; err names it.
type lockError struct{ err error }

func (e *lockError) Error() string { return fmt.Sprintf("lock data directory: %v", e.err) }
func (e *lockError) Unwrap() error { return e.err }

// Mend is the hint shown with the error.
func (e *lockError) Mend() string {
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

// Mend is the hint shown with the error.
func (e *InUseError) Mend() string {
	return "stop that process, use another directory by --data DIR, or none by --ephemeral"
}
