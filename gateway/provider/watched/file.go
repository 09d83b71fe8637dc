// Package watched reads the files of the configuration again when they may have changed.
package watched

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"axion/gateway/regular"
)

const (
	// MaxSize bounds what is read of a file.
	MaxSize = 16 << 20
	// missingGrace is how long a file may be missing before that counts: editors that
	// delete and create are faster, and so is a rename.
	missingGrace = 50 * time.Millisecond
	// emptyGrace is how long a file may be empty before that counts: writers that
	// truncate first need a moment to fill it.
	emptyGrace = 250 * time.Millisecond
)

// File is a file as it was read last.
type File struct {
	Path string // absolute
	Real string // where Path leads through links
	Data []byte
	Err  error // why there is no data, such as fs.ErrNotExist
	// Version counts what was read; it is 0 before the first time.
	Version int
	// Parsed is what a reader made of Data. It is cleared when Data changes.
	Parsed any

	info                     fs.FileInfo // as of the last read; nil for none
	missingSince, emptySince time.Time   // zero if it is not
}

// refresh reads the file if it may have changed, or at any rate if forced. It
// reports when to look again at a file that is missing or empty for the moment;
// zero means not before it changes.
func (f *File) refresh(forced bool, now time.Time) (again time.Duration) {
	info, err := os.Stat(f.Path)
	if err != nil {
		info = nil
	}
	if !forced && !f.Pending() && f.Version > 0 && sameInfo(f.info, info) {
		return 0
	}
	data, err := regular.Read(f.Path, MaxSize)
	if !errors.Is(err, fs.ErrNotExist) {
		f.missingSince = time.Time{}
	} else if wait := graceLeft(&f.missingSince, now, missingGrace); wait > 0 && f.Data != nil {
		return wait
	}
	if err != nil || len(bytes.TrimSpace(data)) > 0 {
		f.emptySince = time.Time{}
	} else if wait := graceLeft(&f.emptySince, now, emptyGrace); wait > 0 && f.Data != nil {
		return wait
	}
	f.info = info
	if real, err := filepath.EvalSymlinks(f.Path); err == nil {
		f.Real = real
	} else {
		f.Real = f.Path
	}
	if f.Version > 0 && sameError(f.Err, err) && bytes.Equal(f.Data, data) {
		return 0
	}
	f.Version++
	f.Data, f.Err, f.Parsed = data, err, nil
	return 0
}

// Pending reports whether the file is missing or empty, maybe for the moment.
func (f *File) Pending() bool { return !f.missingSince.IsZero() || !f.emptySince.IsZero() }

// Reason is Err without the path, which is known.
func (f *File) Reason() string {
	if e, ok := errors.AsType[*fs.PathError](f.Err); ok {
		return e.Err.Error()
	}
	return f.Err.Error()
}

// sameInfo distinguishes versions of a file without reading it.
func sameInfo(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

func sameError(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
}

// graceLeft starts or reads a clock, and returns what is left of limit.
func graceLeft(start *time.Time, now time.Time, limit time.Duration) time.Duration {
	if start.IsZero() {
		*start = now
	}
	return limit - now.Sub(*start)
}
