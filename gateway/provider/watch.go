package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"axion/gateway/config"
	"axion/gateway/label"
	"axion/gateway/provider/watched"

	"github.com/fsnotify/fsnotify"
)

const (
	// debounce is how long nothing may happen before a burst of events counts as one
	// save, and burstTimeout how long a burst is waited for.
	debounce     = 15 * time.Millisecond
	burstTimeout = 45 * time.Millisecond
	// rescanInterval is how often files are looked at without an event: file systems of
	// network and bind mounts send none, and a watch dies with its directory.
	rescanInterval = 2 * time.Second
)

// Run watches the sources until ctx ends, and calls changed with each new
// configuration, one call at a time; the one of [New] is not repeated. A change
// of the problems alone counts. It returns nil when ctx ended.
func (p *Provider) Run(ctx context.Context, changed func(*config.Dynamic)) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	defer func() { _ = watcher.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	p.loader.ctx = ctx
	running, ended := p.watchContainers(ctx)
	defer func() { cancel(); <-ended }()
	w := &watch{Provider: p, notify: watcher, changed: changed, dirty: map[string]bool{}}
	w.updateWatches()
	w.timer = time.NewTimer(0) // what changed since New
	defer w.timer.Stop()
	ticker := time.NewTicker(rescanInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-watcher.Events:
			if !ok {
				return errors.New("watch files: the watcher closed")
			}
			w.event(event.Name)
		case err, ok := <-watcher.Errors:
			if !ok {
				return errors.New("watch files: the watcher closed")
			}
			// Events may have been lost: look at everything.
			p.log.Warn("watching files", slog.Any("error", err))
			w.dirtyAll()
		case <-p.relocated.signal:
			w.relocate()
		case list := <-running:
			w.setContainers(list)
		case <-w.timer.C:
			w.reload()
		case <-ticker.C:
			if w.whole = true; w.since.IsZero() { // else a save is going on
				w.updateWatches()
				w.reload()
			}
		}
	}
}

// watchContainers sends the containers whenever they change, until ctx ends; then ended
// is closed.
func (p *Provider) watchContainers(ctx context.Context) (running <-chan []label.Service, ended <-chan struct{}) {
	lists, done := make(chan []label.Service), make(chan struct{})
	if p.containers == nil {
		close(done)
		return nil, done
	}
	go func() {
		defer close(done)
		err := p.containers.Run(ctx, func(list []label.Service) {
			select {
			case lists <- list:
			case <-ctx.Done():
			}
		})
		if err != nil && ctx.Err() == nil {
			p.log.Warn("running containers are not served", slog.Any("error", err))
		}
	}()
	return lists, done
}

// watch is the state of one Run.
type watch struct {
	*Provider
	notify  *fsnotify.Watcher
	changed func(*config.Dynamic)
	timer   *time.Timer
	since   time.Time // first event of the burst; zero between bursts
	dirty   map[string]bool
	whole   bool // the next reload looks at all files
}

// updateWatches watches the directories of all files: a file that is replaced takes
// its own watch away with it. Links are watched at both ends.
func (w *watch) updateWatches() {
	dirs := map[string]bool{}
	for dir := range w.watchedDirs {
		dirs[dir] = true
	}
	for _, in := range w.files.All() {
		dirs[filepath.Dir(in.Path)] = true
		if in.Real != "" {
			dirs[filepath.Dir(in.Real)] = true
		}
	}
	w.files.TakeAdded()
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
			w.log.Debug("cannot watch a directory; its files are looked at every "+rescanInterval.String(),
				slog.String("dir", dir), slog.Any("error", err))
		}
	}
}

// updateFragmentWatches is updateWatches after a change of these fragments alone: mostly what they are
// read from is in their own directory, which is watched.
func (w *watch) updateFragmentWatches(dirty map[string]bool) {
	here := func(in *watched.File) bool {
		return in == nil || filepath.Dir(in.Path) == w.fragments.path && (in.Real == "" || filepath.Dir(in.Real) == w.fragments.path)
	}
	elsewhere := slices.ContainsFunc(w.files.TakeAdded(), func(in *watched.File) bool { return !here(in) })
	for path := range dirty {
		elsewhere = elsewhere || !here(w.files.Known(path))
	}
	if elsewhere {
		w.updateWatches()
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
	w.timer.Reset(min(debounce, max(0, burstTimeout-now.Sub(w.since))))
}

func (w *watch) dirtyAll() {
	w.whole = true
	for path := range w.files.All() {
		w.dirty[path] = true
	}
	w.delay()
}

// concerns reports whether a path matters: directories hold much else.
func (w *watch) concerns(name string) bool {
	// Kubernetes swaps a link named ..data that files lead through.
	if w.watchedDirs[filepath.Dir(name)] || strings.HasPrefix(filepath.Base(name), "..") || w.files.Known(name) != nil {
		return true
	}
	for _, in := range w.files.All() {
		if name == in.Real {
			w.dirty[in.Path] = true
			return true
		}
	}
	return false
}

// setContainers applies the containers.
func (w *watch) setContainers(list []label.Service) {
	w.running, w.whole = list, true
	for _, s := range w.sources {
		s.reloading = s.reloading || s.containers
	}
	w.delay()
}

// reload applies what changed.
func (w *watch) reload() {
	dirty := w.dirty
	w.dirty, w.since = map[string]bool{}, time.Time{}
	scan, update := w.scan, w.updateWatches
	if !w.whole && len(w.missing) == 0 && areWithin(w.fragments, dirty) { // and all fragments are served
		scan, update = w.scanFragments, func() { w.updateFragmentWatches(dirty) }
	}
	w.whole = false
	changed, again := scan(dirty)
	if again > 0 {
		for path := range dirty {
			if in := w.files.Known(path); in != nil && in.Pending() {
				w.dirty[path] = true
			}
		}
		w.timer.Reset(again)
	}
	if !changed || w.loader.ctx.Err() != nil { // an interrupted scan is incomplete
		return
	}
	update()
	if w.resolve() {
		w.log.Info("configuration reloaded", slog.Int("routers", len(w.Dynamic().Routers)), slog.Int("problems", len(w.Problems())))
		w.changed(w.Dynamic())
	}
}
