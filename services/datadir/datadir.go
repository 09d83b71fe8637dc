// Package datadir is the directory that a stack keeps its state in: where it is, the
// lock that one process at a time has on it, the version of its layout, and the temporary
// one that goes with its process.
package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"axion/services/datadir/private"
)

// Dir says where a stack keeps its state.
type Dir struct {
	// Path is the directory. Empty means .axion beside the compose file.
	Path string
	// Ephemeral keeps nothing: the directory is a temporary one.
	Ephemeral bool
	// Instance is that of the lock, once Open has returned; see [Lock].
	Instance string
}

// Register adds the flag --ephemeral to set.
func (d *Dir) Register(set *pflag.FlagSet) {
	set.BoolVar(&d.Ephemeral, "ephemeral", false,
		"keep nothing: state lives in a temporary directory, and the stack ends with the process that started it")
}

// Resolve returns the directory of a stack with these compose files, of which there
// may be none.
func (d *Dir) Resolve(files []string) string {
	const name = ".axion"
	switch {
	case d.Path != "":
		return d.Path
	case len(files) > 0:
		return filepath.Join(filepath.Dir(files[0]), name)
	}
	return name
}

// Open locks the directory for this process. release unlocks it, and removes
// a temporary one. The error is an [*InUseError] where another process has the lock, and
// a [*NewerFormatError] where a newer program has; a directory of another user, who could
// change what is kept in it, is refused. Temporary ones of this user's processes
// that were killed are removed.
func (d *Dir) Open(files []string) (dir string, release func() error, err error) {
	remove := func() error { return nil }
	if dir = d.Resolve(files); d.Ephemeral {
		if d.Path != "" {
			return "", nil, errors.New("--ephemeral keeps nothing and --data keeps all: use one of them")
		}
		if dir, err = createTemporary(temporaryParents()); err != nil {
			return "", nil, err
		}
		remove = func() error { return os.RemoveAll(dir) }
	}
	removeStaleIn(temporaryParents())
	if err := private.Owned(dir); err != nil {
		return "", nil, fmt.Errorf("open data directory: %w", err)
	}
	lock, err := Acquire(dir)
	if err != nil {
		return "", nil, errors.Join(err, remove())
	}
	d.Instance = lock.Instance
	if err = checkFormat(dir); err == nil {
		err = writeGitignore(dir)
	}
	if err != nil {
		return "", nil, errors.Join(err, lock.Release(), remove())
	}
	if d.Ephemeral {
		if err := markEphemeral(dir); err != nil {
			return "", nil, errors.Join(err, lock.Release(), remove())
		}
	}
	return dir, func() error { return errors.Join(lock.Release(), remove()) }, nil
}

// EnsureShared creates the directory where it is missing, and takes no lock: for
// a service beside the stack, which keeps its data elsewhere.
func (d *Dir) EnsureShared(files []string) (dir string, err error) {
	dir = d.Resolve(files)
	if err := private.Owned(dir); err != nil {
		return "", fmt.Errorf("open data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("open data directory: %w", err)
	}
	return dir, writeGitignore(dir)
}

// Discard removes a temporary directory, dir, whose process exits before it can release it.
// What still writes there may keep a part of it from going; the next start removes that.
func (d *Dir) Discard(dir string) {
	if d.Ephemeral {
		_ = os.RemoveAll(dir)
	}
}

// writeGitignore writes a .gitignore that keeps tokens and keys from being committed by accident.
func writeGitignore(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return fmt.Errorf("open data directory: %w", err)
	}
	return nil
}
