package provider

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"axion/gateway/config"
	"axion/gateway/regular"
)

const (
	// maxFile bounds what is read of a file.
	maxFile = 16 << 20
	// gone is how long a file may be missing before that counts: editors that
	// delete and create are faster, and so is a rename.
	gone = 50 * time.Millisecond
	// hollow is how long a file may be empty before that counts: writers that
	// truncate first need a moment to fill it.
	hollow = 250 * time.Millisecond
)

// input is a file as it was read last.
type input struct {
	path string // absolute
	real string // where path leads through links
	data []byte
	err  error // why there is no data, such as fs.ErrNotExist

	version        int // counts what was read; 0 before the first time
	stamp          stamp
	missing, empty time.Time // since when; zero if it is not

	outline        *outline // of data, as a compose file, once asked for
	outlineProblem *config.Problem
}

// stamp tells versions of a file apart without reading it.
type stamp struct {
	info fs.FileInfo
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info}
}

func (s stamp) same(o stamp) bool {
	if s.info == nil || o.info == nil {
		return s.info == o.info
	}
	return s.info.Size() == o.info.Size() && s.info.ModTime().Equal(o.info.ModTime()) && os.SameFile(s.info, o.info)
}

// refresh reads the file if it may have changed, or at any rate if forced. It
// reports when to look again at a file that is missing or empty for the moment;
// zero means not before it changes.
func (in *input) refresh(forced bool, now time.Time) (again time.Duration) {
	at := stampOf(in.path)
	if !forced && !in.pending() && in.version > 0 && in.stamp.same(at) {
		return 0
	}
	data, err := regular.Read(in.path, maxFile)
	if !errors.Is(err, fs.ErrNotExist) {
		in.missing = time.Time{}
	} else if wait := since(&in.missing, now, gone); wait > 0 && in.data != nil {
		return wait
	}
	if err != nil || len(bytes.TrimSpace(data)) > 0 {
		in.empty = time.Time{}
	} else if wait := since(&in.empty, now, hollow); wait > 0 && in.data != nil {
		return wait
	}
	in.stamp = at
	if real, err := filepath.EvalSymlinks(in.path); err == nil {
		in.real = real
	} else {
		in.real = in.path
	}
	if in.version > 0 && sameError(in.err, err) && bytes.Equal(in.data, data) {
		return 0
	}
	in.version++
	in.data, in.err, in.outline, in.outlineProblem = data, err, nil, nil
	return 0
}

// pending reports whether the file is missing or empty, maybe for the moment.
func (in *input) pending() bool { return !in.missing.IsZero() || !in.empty.IsZero() }

func sameError(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
}

// since starts or reads a clock, and returns what is left of limit.
func since(start *time.Time, now time.Time, limit time.Duration) time.Duration {
	if start.IsZero() {
		*start = now
	}
	return limit - now.Sub(*start)
}

// reason is an error of the file system without the path, which is known.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
