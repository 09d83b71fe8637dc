// Package private says who else on this machine may put files into a folder, or into
// one above it.
//
// Programs look for more than their own folder has: Node.js for node_modules, npm and
// Yarn for package.json and their settings, go for go.work and a repository, Maven,
// Gradle, Cargo and .NET for theirs, in each folder up to the root, and they run what
// they find. A folder below /tmp is for its owner alone and yet takes part in what
// everybody puts there.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ExposedError says that another user may write into a folder.
type ExposedError struct {
	// Dir is what was looked at, and Above the folder at fault: itself, or one above it.
	Dir, Above string
	// Why is what lets others in: "it belongs to user 1000", "its mode is drwxrwxrwt".
	Why string
}

// Error names both folders, and why.
func (e *ExposedError) Error() string {
	if e.Above == e.Dir {
		return fmt.Sprintf("other users may write into %s: %s", e.Dir, e.Why)
	}
	return fmt.Sprintf("other users may write into %s, above %s: %s", e.Above, e.Dir, e.Why)
}

// Hint is the hint shown with the error.
func (e *ExposedError) Hint() string {
	return "keep the data in a folder that nobody else may write into, nor into one above it, as by --data DIR below your home directory"
}

// Check reports whether the process's user and root alone, and who started it by sudo,
// may write into the folder dir and into all above it, by its name and by where that
// leads: an [*ExposedError] where others may. A sticky folder such as /tmp is one that
// others may write into. What does not exist is passed by: its folder counts. Access
// control lists are read on Linux alone, those of POSIX. On systems without user ids it is
// always nil.
func Check(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("check who may write into %s: %w", dir, err)
	}
	at := []string{abs}
	if real, err := filepath.EvalSymlinks(abs); err == nil && real != abs {
		at = append(at, real)
	}
	for _, folder := range at {
		for {
			if err := checkFolder(abs, folder); err != nil {
				return err
			}
			up := filepath.Dir(folder)
			if up == folder {
				break
			}
			folder = up
		}
	}
	return nil
}

// Owned reports whether a folder is the process's user's, root's, or of who started it
// by sudo: an [*ExposedError] where it is another's. One that is not there is nobody's.
func Owned(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check the owner of %s: %w", dir, err)
	}
	if why := foreignOwner(info); why != "" {
		return &ExposedError{dir, dir, why}
	}
	return nil
}

// checkFolder checks one folder.
func checkFolder(dir, folder string) error {
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check who may write into %s: %w", folder, err)
	}
	why := foreignOwner(info)
	if why == "" {
		why = sharedMode(info)
	}
	if why == "" {
		why = sharedACL(folder, info)
	}
	if why != "" {
		return &ExposedError{dir, folder, why}
	}
	return nil
}
