package provider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"axion/gateway/config"
)

const (
	// maxFile bounds what is read of a compose file.
	maxFile = 4 << 20
	// gone is how long a file may be missing before that counts: editors that
	// delete and create are faster, and so is a rename.
	gone = 50 * time.Millisecond
	// hollow is how long a file may be empty before that counts: writers that
	// truncate first need a moment to fill it.
	hollow = 250 * time.Millisecond
)

// file is one source with its versions: the one read last, and the one in
// force, which is older where the last one is refused.
type file struct {
	name     string // as the user gave it
	path     string // absolute; empty for a base layer
	real     string // where path leads through links
	base     []byte // the content of a base layer
	env      string // the .env file beside it, or empty
	workDir  string
	layer    int
	fragment bool

	stamp, envStamp stamp
	data, envData   []byte
	missing, empty  time.Time // since when; zero if it is not

	latest *document       // nil where fault is set
	fault  *config.Problem // why the content could not be loaded
	good   *document       // in force; nil where there is none
	clean  bool            // good has no errors

	version     int // counts what was read
	told        []config.Problem
	toldVersion int
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
// reports whether there is a new version, and when to look again at a file that
// is missing or empty for the moment; zero means not before it changes.
func (f *file) refresh(l *loader, forced bool, now time.Time) (changed bool, again time.Duration) {
	if f.path == "" {
		return f.accept(l, f.base, nil), 0
	}
	at, envAt := stampOf(f.path), stampOf(f.env)
	pending := !f.missing.IsZero() || !f.empty.IsZero()
	if !forced && !pending && f.stamp.same(at) && f.envStamp.same(envAt) && (f.latest != nil || f.fault != nil) {
		return false, 0
	}
	data, err := readFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if wait := since(&f.missing, now, gone); wait > 0 && (f.latest != nil || f.good != nil) {
			return false, wait
		}
		if f.latest == nil && f.good == nil {
			return f.fail("there is no such file", "check the name"), 0
		}
		return f.fail("the file is gone", "save it again; to do without its routes, write services: {} into it"), 0
	}
	f.missing = time.Time{}
	if err != nil {
		return f.fail("the file cannot be read: "+reason(err), ""), 0
	}
	if len(bytes.TrimSpace(data)) == 0 {
		if wait := since(&f.empty, now, hollow); wait > 0 && (f.latest != nil || f.good != nil) {
			return false, wait
		}
	} else {
		f.empty = time.Time{}
	}
	var env []byte
	if f.env != "" {
		if env, err = readFile(f.env); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return f.fail("the .env file beside it cannot be read: "+reason(err), ""), 0
		}
	}
	f.stamp, f.envStamp = at, envAt
	if f.real, err = filepath.EvalSymlinks(f.path); err != nil {
		f.real = f.path
	}
	return f.accept(l, data, env), 0
}

// accept loads a content unless it is the one loaded last.
func (f *file) accept(l *loader, data, env []byte) bool {
	if (f.latest != nil || f.fault != nil) && f.data != nil && bytes.Equal(f.data, data) && bytes.Equal(f.envData, env) {
		return false
	}
	f.version++
	f.data, f.envData = data, env
	f.latest, f.fault = l.load(f, data, env)
	return true
}

// fail notes that the content cannot be had, and reports whether that is news.
func (f *file) fail(message, hint string) bool {
	p := config.Problem{Severity: config.Error, File: f.name, Message: message, Hint: hint}
	if f.fault != nil && *f.fault == p {
		return false
	}
	f.version++
	f.data, f.latest, f.fault = nil, nil, &p
	return true
}

// since starts or reads a clock, and returns what is left of limit.
func since(start *time.Time, now time.Time, limit time.Duration) time.Duration {
	if start.IsZero() {
		*start = now
	}
	return limit - now.Sub(*start)
}

// readFile reads a regular file: a pipe would block, a device never end.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return data, err
}

// reason is an error of the file system without the path, which is known.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
