// Package within opens files that settings name for writing, in directories that
// they must not leave.
package within

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrOutside says that a file is in none of the directories.
var ErrOutside = errors.New("it lies outside")

// Root is the one of some directories that file is to be opened in, by their names
// and by where links lead. Files and directories on the way need not exist. The error
// is [ErrOutside], or says what is there that cannot be written to. Both dirs and file
// must be absolute.
func Root(dirs []string, file string) (string, error) {
	for _, dir := range dirs {
		rel, err := filepath.Rel(dir, file)
		if err != nil || !filepath.IsLocal(rel) || rel == "." {
			continue
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			continue
		}
		defer func() { _ = root.Close() }()
		info, err := root.Stat(rel)
		if errors.Is(err, fs.ErrNotExist) {
			err = hasParent(root, filepath.Dir(rel))
		} else if err == nil && !info.Mode().IsRegular() {
			err = errors.New("it is not a regular file")
		}
		if e, ok := errors.AsType[*fs.PathError](err); ok && e.Err.Error() == "path escapes from parent" {
			continue
		} else if ok {
			err = e.Err
		}
		return dir, err
	}
	return "", ErrOutside
}

// hasParent looks at the deepest directory on the way that exists.
func hasParent(root *os.Root, dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		info, err := root.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s is not a directory", info.Name())
		case dir == "." || !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
}

// Append opens a file for writing at its end. It and the directories on the way are
// made where missing. Links that lead out of dir, and what is no regular file, are
// errors.
func Append(dir, file string) (*os.File, error) {
	rel, err := filepath.Rel(dir, file)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(filepath.Dir(rel), 0o750); err != nil {
		return nil, err
	}
	if info, err := root.Stat(rel); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, &fs.PathError{Op: "open", Path: file, Err: errors.New("it is not a regular file")}
	}
	return root.OpenFile(rel, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
