package broker

import (
	"errors"
	"fmt"
	"os"
)

// OpenDir takes a data directory for this process: dir, or a temporary one where
// ephemeral. release unlocks it, and removes a temporary one. The error is an
// [*InUseError] where another process has it.
func OpenDir(dir string, ephemeral bool) (opened string, release func() error, err error) {
	remove := func() error { return nil }
	if ephemeral {
		if dir, err = os.MkdirTemp("", "axion-"); err != nil {
			return "", nil, fmt.Errorf("make a temporary data directory: %w", err)
		}
		remove = func() error { return os.RemoveAll(dir) }
	}
	lock, err := LockDir(dir)
	if err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return dir, func() error { return errors.Join(lock.Release(), remove()) }, nil
}
