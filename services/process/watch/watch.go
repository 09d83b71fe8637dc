// Package watch reports changes of files below a directory, those that git ignores left
// out.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/fsnotify/fsnotify"
)

// Settle is how long nothing must change until changes are reported: an editor and a
// build write many files.
const Settle = 300 * time.Millisecond

// maxDirectories bounds what is watched of a tree.
const maxDirectories = 20_000

// Watcher watches the files of a directory. It is not safe for concurrent use.
type Watcher struct {
	root    string
	globs   []string
	ignored *ignore
	notify  *fsnotify.Watcher
	watched map[string]bool // directories
}

// New watches the files below a directory whose paths match one of the globs: as in a
// .gitignore, one without a slash matches a name wherever it is, and ** any number of
// directories. Without globs all files are watched. What .gitignore leaves out, .git and
// node_modules are not.
func New(root string, globs []string) (*Watcher, error) {
	for _, glob := range globs {
		if !doublestar.ValidatePattern(glob) {
			return nil, fmt.Errorf("watch: %q is no glob", glob)
		}
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", root, err)
	}
	w := &Watcher{root: root, globs: globs, notify: notify, watched: map[string]bool{}}
	w.ignored = newIgnore(root)
	if _, err := w.add(root); err != nil {
		return nil, errors.Join(err, notify.Close())
	}
	return w, nil
}

// Run reports changes, as paths below the root that are sorted, until ctx ends. The next
// changes wait until report has returned.
func (w *Watcher) Run(ctx context.Context, report func(changed []string)) error {
	defer func() { _ = w.notify.Close() }()
	changed := map[string]bool{}
	timer := time.NewTimer(Settle)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.notify.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("watch %s: %w", w.root, err)
			}
			changed["."] = true // too many to name
			timer.Reset(Settle)
		case event := <-w.notify.Events:
			found, err := w.files(event)
			if err != nil {
				return err
			}
			for _, path := range found {
				changed[path] = true
				timer.Reset(Settle)
			}
		case <-timer.C:
			report(slices.Sorted(maps.Keys(changed)))
			clear(changed)
		}
	}
}

// files lists the watched files that an event is about.
func (w *Watcher) files(event fsnotify.Event) ([]string, error) {
	if event.Op == fsnotify.Chmod {
		return nil, nil
	}
	if filepath.Base(event.Name) == ignoreFile {
		w.ignored = newIgnore(w.root)
		_, err := w.add(w.root)
		return nil, err
	}
	if event.Has(fsnotify.Create) {
		if info, err := os.Lstat(event.Name); err == nil && info.IsDir() {
			return w.add(event.Name)
		}
	}
	if w.watched[event.Name] { // a directory that is gone
		delete(w.watched, event.Name)
		return nil, nil
	}
	if path, ok := w.matches(event.Name); ok {
		return []string{path}, nil
	}
	return nil, nil
}

// add watches a directory and those below it, and lists their files that are watched: of
// a directory that has just come they are new.
func (w *Watcher) add(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if path == w.root {
				return err
			}
			return nil // it is gone, or not ours to read
		}
		if !d.IsDir() {
			if name, ok := w.matches(path); ok {
				files = append(files, name)
			}
			return nil
		}
		if path != w.root && w.ignored.skips(w.relative(path), true) {
			return filepath.SkipDir
		}
		w.ignored.load(path)
		if w.watched[path] {
			return nil
		}
		if len(w.watched) >= maxDirectories {
			return hintError{fmt.Errorf("watch %s: it has more than %d directories", w.root, maxDirectories), "leave some out by .gitignore"}
		}
		if err := w.notify.Add(path); err != nil {
			return w.addError(path, err)
		}
		w.watched[path] = true
		return nil
	})
	return files, err
}

func (w *Watcher) addError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) && path != w.root {
		return nil
	}
	return hintError{
		fmt.Errorf("watch %s: %w", path, err), "on Linux, raise fs.inotify.max_user_watches, or leave directories out by .gitignore",
	}
}

func (w *Watcher) relative(path string) string {
	name, err := filepath.Rel(w.root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(name)
}

// matches gives the path of a file below the root, if it is watched.
func (w *Watcher) matches(path string) (name string, ok bool) {
	name = w.relative(path)
	if filepath.Base(path) == ignoreFile || w.ignored.skips(name, false) {
		return "", false
	}
	if len(w.globs) == 0 {
		return name, true
	}
	return name, slices.ContainsFunc(w.globs, func(glob string) bool {
		if !strings.Contains(glob, "/") {
			glob = "**/" + glob
		}
		return doublestar.MatchUnvalidated(strings.TrimPrefix(glob, "./"), name)
	})
}

type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }
