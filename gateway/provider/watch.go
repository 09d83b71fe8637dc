package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"axion/gateway/config"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing may happen before a burst of events counts as one
	// save, and patience how long a burst is waited for.
	quiet    = 20 * time.Millisecond
	patience = 60 * time.Millisecond
	// patrol is how often files are looked at without an event: file systems of
	// network and bind mounts send none, and a watch dies with its directory.
	patrol = 2 * time.Second
)

// Run watches the sources until ctx ends, and calls changed with each new
// configuration, one call at a time; the one of [New] is not repeated. A change
// of the problems alone counts. It returns nil when ctx ended.
func (p *Provider) Run(ctx context.Context, changed func(*config.Dynamic)) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch compose files: %w", err)
	}
	defer func() { _ = watcher.Close() }()
	w := &watch{Provider: p, notify: watcher, changed: changed, dirty: map[string]bool{}}
	w.follow()
	w.timer = time.NewTimer(0) // what changed since New
	defer w.timer.Stop()
	ticker := time.NewTicker(patrol)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-watcher.Events:
			if !ok {
				return errors.New("watch compose files: the watcher closed")
			}
			w.event(event.Name)
		case err, ok := <-watcher.Errors:
			if !ok {
				return errors.New("watch compose files: the watcher closed")
			}
			// Events may have been lost: look at everything.
			p.log.Warn("watching compose files", slog.Any("error", err))
			w.dirtyAll()
		case <-w.timer.C:
			w.reload()
		case <-ticker.C:
			if w.since.IsZero() { // else a save is going on
				w.follow()
				w.reload()
			}
		}
	}
}

// watch is the state of one Run.
type watch struct {
	*Provider
	notify  *fsnotify.Watcher
	changed func(*config.Dynamic)
	timer   *time.Timer
	since   time.Time // first event of the burst; zero between bursts
	dirty   map[string]bool
}

// follow watches the directories of all files: a file that is replaced takes
// its own watch away with it. Links are watched at both ends.
func (w *watch) follow() {
	dirs := map[string]bool{}
	if w.dir != "" {
		dirs[w.dir] = true
	}
	for _, f := range w.files {
		if f.path == "" {
			continue
		}
		dirs[filepath.Dir(f.path)] = true
		if f.real != "" {
			dirs[filepath.Dir(f.real)] = true
		}
	}
	watched := map[string]bool{}
	for _, dir := range w.notify.WatchList() {
		if watched[dir] = true; !dirs[dir] {
			_ = w.notify.Remove(dir) // gone already, or of no more interest
		}
	}
	for dir := range dirs {
		if watched[dir] {
			continue
		}
		if err := w.notify.Add(dir); err != nil {
			w.log.Debug("cannot watch a directory; its files are looked at every "+patrol.String(), slog.String("dir", dir), slog.Any("error", err))
		}
	}
}

// event notes a file that changed and puts the reload off until it is quiet.
func (w *watch) event(name string) {
	name = filepath.Clean(name)
	if !w.concerns(name) {
		return
	}
	w.dirty[name] = true
	w.delay()
}

func (w *watch) delay() {
	now := time.Now()
	if w.since.IsZero() {
		w.since = now
	}
	w.timer.Reset(min(quiet, max(0, patience-now.Sub(w.since))))
}

func (w *watch) dirtyAll() {
	for _, f := range w.files {
		w.dirty[f.path] = true
	}
	w.delay()
}

// concerns reports whether a path matters: directories hold much else.
func (w *watch) concerns(name string) bool {
	if filepath.Dir(name) == w.dir && isFragment(filepath.Base(name)) {
		return true
	}
	// Kubernetes swaps a link named ..data that files lead through.
	if strings.HasPrefix(filepath.Base(name), "..") {
		return true
	}
	for _, f := range w.files {
		if f.path == "" {
			continue
		}
		if name == f.path || name == f.env {
			return true
		}
		if name == f.real {
			w.dirty[f.path] = true
			return true
		}
	}
	return false
}

// reload takes in what changed.
func (w *watch) reload() {
	dirty := w.dirty
	w.dirty, w.since = map[string]bool{}, time.Time{}
	news, again := w.scan(dirty)
	if again > 0 {
		w.timer.Reset(again)
	}
	if !news {
		return
	}
	w.follow()
	if w.resolve() {
		w.log.Info("labels reloaded", slog.Int("routers", len(w.Dynamic().Routers)), slog.Int("problems", len(w.Problems())))
		w.changed(w.Dynamic())
	}
}
