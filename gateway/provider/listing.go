package provider

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"axion/gateway/config"
)

// bounds are how much is looked at in one directory and those in it: all of it is
// read again every few seconds.
type bounds struct {
	files   int // that are served
	entries int // of all kinds
	folders int
	depth   int
}

var defaultBounds = bounds{files: 20_000, entries: 200_000, folders: 2_000, depth: 32}

func (d *discovery) dynamic(dir folder) {
	d.list(dir, d.limits.depth, isDynamic, func(path, shown, from string) *source {
		s := newDynamic(path, shown, from)
		s.temporary, s.errorFree = true, d.started
		return s
	})
}

// list adds the files of a directory that are wanted, and of those in it to a
// depth; 0 means none of those. It reports where a bound excludes any.
func (d *discovery) list(dir folder, depth int, wanted func(name string) bool, build func(path, shown, from string) *source) {
	from := originOf(dir)
	d.origins[from] = true
	l := &listing{discovery: d, top: dir, left: d.limits, wanted: wanted,
		known: func(path string) bool { return d.wanted[from+"\x00"+path] != nil },
		add:   func(path, shown string) { d.add(from, path, func() *source { return build(path, shown, from) }) }}
	for _, s := range d.sources {
		if s.from == from { // those that are served already stay
			l.left.files--
		}
	}
	l.walk(dir, depth, depth > 0)
}

// originOf is where the sources of a directory are from.
func originOf(dir folder) string { return "directory " + dir.path }

// listing goes through one directory.
type listing struct {
	*discovery
	top      folder
	left     bounds
	wanted   func(name string) bool
	known    func(path string) bool
	add      func(path, shown string)
	reported bool
}

// exclude reports, once, what is not looked at.
func (l *listing) exclude(what, hint string) {
	if l.reported {
		return
	}
	l.reported = true
	l.missing = append(l.missing, config.Problem{Severity: config.Error, File: l.top.shown, Message: what, Fix: hint})
}

func (l *listing) walk(dir folder, depth int, deeper bool) {
	if l.left.folders--; l.left.folders < 0 {
		l.exclude(fmt.Sprintf("the directory holds more than %d others: %s and those after it are left out", l.limits.folders, dir.shown),
			"name the one with the files")
		return
	}
	l.watchedDirs[dir.path] = true
	entries, err := readDir(dir.path, l.left.entries+1)
	if err != nil {
		return // it is being replaced, or its files are gone with it
	}
	if l.left.entries -= len(entries); l.left.entries < 0 {
		l.exclude(fmt.Sprintf("the directory holds more than %d files of all kinds: the rest of %s and what is after it is left out",
			l.limits.entries, dir.shown),
			"keep the files in a directory of their own")
		entries = entries[:len(entries)+l.left.entries]
		l.left.entries = 0
	}
	for _, e := range entries {
		path, shown := filepath.Join(dir.path, e.Name()), filepath.Join(dir.shown, e.Name())
		switch {
		case e.IsDir() && deeper && !strings.HasPrefix(e.Name(), "."):
			if depth == 0 {
				l.exclude(fmt.Sprintf("directories are looked at %d levels deep: %s is left out", l.limits.depth, shown), "move its files up")
				continue
			}
			l.walk(folder{path, shown}, depth-1, true)
		case e.IsDir() || !l.wanted(e.Name()) || l.known(path):
		case l.left.files <= 0:
			l.exclude(fmt.Sprintf("the directory holds more than %d files: %s and what came after it is left out", l.limits.files, shown),
				"remove those that are no longer needed")
		default:
			l.left.files--
			l.add(path, shown)
		}
	}
}

// readDir gives no more than limit entries of a directory, in order of name.
func readDir(path string, limit int) ([]fs.DirEntry, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() { // opening a pipe would wait
		return nil, errors.Join(err, fs.ErrInvalid)
	}
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	entries, err := d.ReadDir(max(limit, 1))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func isFragment(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".")
}

func isDynamic(name string) bool {
	ext := filepath.Ext(name)
	return isFragment(name) || (ext == ".toml" || ext == ".json") && !strings.HasPrefix(name, ".")
}
