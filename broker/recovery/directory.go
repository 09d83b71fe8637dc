package recovery

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// directory is a data directory, whose damage goes to a report.
type directory struct {
	root   string
	report *Report
}

// path is that of a file in the directory.
func (d *directory) path(name string) string { return filepath.Join(d.root, name) }

// checkDirs refuses files where directories must be.
func (d *directory) checkDirs() error {
	for _, dir := range []string{d.root, d.path("partitions")} {
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			return &Error{
				Path: dir,
				Err:  errors.New("is a file, not a directory"),
				hint: "move it away, or use another directory by --data DIR",
			}
		}
	}
	return nil
}

// checkLog puts a log aside that is no file, and refuses one that cannot be written: kfake
// goes on without it.
func (d *directory) checkLog(log string) error {
	if _, err := content(d.path(log)); errors.Is(err, errNotFile) {
		if err := d.aside(log, err.Error()); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	f, err := os.OpenFile(d.path(log), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_ = f.Close() // nothing was written
	} else if !errors.Is(err, os.ErrNotExist) {
		return fileError(d.path(log), err)
	}
	return nil
}

// readJSON reads one of kfake's files. One that cannot be read is put aside and
// counts as missing.
func (d *directory) readJSON(name string, v any, lost string) (found bool, err error) {
	path := d.path(name)
	data, err := content(path)
	if errors.Is(err, errNotFile) {
		return false, d.aside(name, err.Error()+": "+lost)
	}
	if err != nil || data == nil {
		return false, err
	}
	var version struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(data, &version) == nil && version.Version > formatVersion {
		return false, newerError(path, version.Version)
	}
	err = json.Unmarshal(data, v)
	what := "is empty"
	switch {
	case err == nil && version.Version == formatVersion:
		return true, nil
	case err == nil:
		what = "has no version"
	case len(data) > 0:
		what = "cannot be read (" + err.Error() + ")"
	}
	return false, d.aside(name, what+": "+lost)
}

// readLog reads one log. Behind a bad entry kfake (v0.0.0-20260918) reads nothing
// but goes on writing there, so that the log must hold none; they are reported,
// unless they are but the end of an interrupted write.
func (d *directory) readLog(name string) (log []byte, changed bool, err error) {
	path := d.path(name)
	if log, err = content(path); err != nil {
		return nil, false, err
	}
	all, damaged, torn := entries(log)
	for _, e := range all {
		if e.version > formatVersion {
			return nil, false, newerError(path, int(e.version))
		}
	}
	d.report.Torn += int64(torn)
	if damaged == 0 {
		return log[:len(log)-torn], torn > 0, nil
	}
	kept, err := copyAside(path)
	if err != nil {
		return nil, false, err
	}
	d.report.Damage = append(d.report.Damage, Damage{Path: path, Kept: kept, What: "has entries that cannot be read: they are left out"})
	var whole []byte
	for _, e := range all {
		whole = append(whole, log[e.at:e.at+e.size]...)
	}
	return whole, true, nil
}

// aside puts a damaged file aside.
func (d *directory) aside(name, what string) error {
	kept, err := setAside(d.path(name))
	d.report.Damage = append(d.report.Damage, Damage{Path: d.path(name), Kept: kept, What: what})
	return err
}

// partitionDirs counts the partitions that have a directory, by topic.
func (d *directory) partitionDirs() (map[string]int, error) {
	files, err := os.ReadDir(d.path("partitions"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fileError(d.path("partitions"), err)
	}
	counts := make(map[string]int)
	for _, f := range files {
		dash := strings.LastIndexByte(f.Name(), '-')
		if !f.IsDir() || dash < 1 {
			continue
		}
		topic, err := url.PathUnescape(f.Name()[:dash])
		number, numErr := strconv.Atoi(f.Name()[dash+1:])
		if err == nil && numErr == nil && number >= 0 {
			counts[topic] = max(counts[topic], number+1)
		}
	}
	return counts, nil
}
