// Package regular reads files that users name: never more of one than a bound, and
// nothing that could keep the reader for ever, such as a pipe or a device.
package regular

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrKind says that what has the name is no regular file.
var ErrKind = errors.New("it is not a regular file")

// Read gives the content of a regular file, or of one that path leads to through
// links. What it returns without an error is not nil. A file of more than limit
// bytes is an error.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrKind // opening it may have effects already
	}
	f, err := os.OpenFile(path, os.O_RDONLY|dontWait, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, ErrKind // it was replaced meanwhile
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %s", size(limit))
	}
	return data, nil
}

// size is a number of bytes in words.
func size(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
