package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// formatFile holds the version of a data directory's layout: what is where in it.
	// Databases, and what the broker keeps, have versions of their own.
	formatFile = "format"
	// format is this program's. A directory without the file has the first one.
	format = 1
)

// NewerFormatError says that a newer program has a data directory in a layout that this
// one does not know. Nothing in it was changed.
type NewerFormatError struct {
	Dir string
	// Format is the directory's, and Known the last one that this program knows.
	Format, Known int
}

// Error names the directory and both versions.
func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("data directory %s was written by a newer axion: it has format %d, and this axion knows %d", e.Dir, e.Format, e.Known)
}

// Hint is the hint shown with the error.
func (e *NewerFormatError) Hint() string {
	return "nothing was changed: start the axion that wrote it, or a newer one; or use another directory by --data DIR"
}

// checkFormat refuses a directory of a newer program, and notes the format of one
// that is new.
func checkFormat(dir string) error {
	path := filepath.Join(dir, formatFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(path, []byte(strconv.Itoa(format)+"\n"), 0o600); err != nil {
			return fmt.Errorf("open data directory: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("open data directory: %w", err)
	}
	// What cannot be read was cut short by a kill: no program writes it otherwise.
	if got, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && got > format {
		return &NewerFormatError{Dir: dir, Format: got, Known: format}
	}
	return nil
}
