package provider

import (
	"path/filepath"
	"time"

	"axion/gateway/provider/watched"
)

// scan reads every file that changed, finds the sources that came and went, and loads
// those that changed. Files in dirty are read though they look unchanged. It
// reports whether anything is new, and when to scan again for what is missing for
// the moment, zero if not.
func (p *Provider) scan(dirty map[string]bool) (changed bool, again time.Duration) {
	again = p.files.Refresh(dirty, func(*watched.File) bool { return true })
	// A project's settings of Traefik may lead to other files.
	for range 2 {
		if p.discover() {
			changed = true
		}
		changed = p.loadStale() || changed
	}
	if p.decodeContainers() {
		changed = true
	}
	p.retainFiles()
	return changed, again
}

// scanFragments is scan where nothing but these fragments has changed: the other files
// are not looked at.
func (p *Provider) scanFragments(dirty map[string]bool) (changed bool, again time.Duration) {
	again = p.files.Refresh(dirty, (*watched.File).Pending)
	changed = p.discoverFragments(dirty)
	changed = p.loadStale() || changed
	return changed, again
}

// areWithin reports whether all these paths, and there are some, are in the directory itself.
func areWithin(dir folder, paths map[string]bool) bool {
	for path := range paths {
		if filepath.Dir(path) != dir.path {
			return false
		}
	}
	return len(paths) > 0
}

// loadStale loads the sources whose files have changed, and reports whether there are any.
func (p *Provider) loadStale() (changed bool) {
	for _, s := range p.sources {
		if !s.containers && s.stale(p.files) {
			s.load(&p.loader, p.files)
			s.texts = s.readTexts(p.files)
			changed = true
		}
	}
	return changed
}

// retainFiles drops the files that no source is read from any more.
func (p *Provider) retainFiles() {
	used := map[string]bool{}
	for _, s := range p.sources {
		for path := range s.inputs {
			used[path] = true
		}
	}
	p.files.Retain(used)
}
