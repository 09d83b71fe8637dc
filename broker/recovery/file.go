package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// writeFile replaces a file by one rename: a kill, or a loss of power, leaves the
// old or the new one.
func writeFile(path string, data []byte) error { return replaceFile(path, data, true) }

// writeDerived is writeFile for what is made anew where it is damaged: it does
// not wait for the disk.
func writeDerived(path string, data []byte) error { return replaceFile(path, data, false) }

func replaceFile(path string, data []byte, sync bool) (err error) {
	temporary := path + ".tmp" // kfake removes such at its start
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fileError(path, err)
	}
	_, err = f.Write(data)
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fileError(path, errors.Join(err, os.Remove(temporary)))
	}
	if err := os.Rename(temporary, path); err != nil {
		return fileError(path, err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, data)
}

// content reads a file. One that is missing is nil; a directory in its place
// is errNotFile.
func content(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, syscall.EISDIR):
		return nil, errNotFile
	case err != nil:
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return nil, errNotFile
		}
		return nil, fileError(path, err)
	case data == nil:
		return []byte{}, nil
	}
	return data, nil
}

var errNotFile = errors.New("is a directory, not a file")

// Error says that the directory cannot be used as it is, and what to do.
type Error struct {
	// Path is the file or directory.
	Path string
	Err  error
	hint string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is the hint shown with the error.
func (e *Error) Hint() string { return e.hint }

// fileError names the file, and how to come by it.
func fileError(path string, err error) error {
	hint := "see whether the disk that holds " + path + " works, or use another directory by --data DIR"
	switch {
	case errors.Is(err, fs.ErrPermission):
		hint = "make it readable and writable for the user that runs axion (chmod u+rw " + path + "), or use another directory by --data DIR"
	case errors.Is(err, syscall.ENOSPC):
		hint = "make room on the disk; nothing was changed yet"
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err // the path is named already
	}
	return &Error{Path: path, Err: err, hint: hint}
}

// newerError refuses what a later version wrote: it may hold what this one would
// lose.
func newerError(path string, version int) error {
	return &Error{
		Path: path,
		Err:  fmt.Errorf("has format version %d, and this axion knows %d", version, formatVersion),
		hint: "start the newer axion that wrote it, or use another directory by --data DIR",
	}
}

// setAside renames what is damaged, so that it is kept and no longer read. It
// returns the new path.
func setAside(path string) (string, error) {
	for n := 1; ; n++ {
		to := fmt.Sprintf("%s.damaged-%d", path, n)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := os.Rename(path, to); err != nil {
			return "", fileError(path, err)
		}
		return to, nil
	}
}

// copyAside keeps a copy of a file that is to be changed.
func copyAside(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fileError(path, err)
	}
	for n := 1; ; n++ {
		to := fmt.Sprintf("%s.damaged-%d", path, n)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		return to, writeFile(to, data)
	}
}

// syncDir makes renames in dir outlive a loss of power.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()  // not every system can
		_ = d.Close() // it was only read
	}
}
