package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"axion/gateway/config"
	"axion/gateway/label"
)

// input is a file as it is now, or as it was at the last scan.
func (p *Provider) input(path string) *input {
	in := p.inputs[path]
	if in == nil {
		in = &input{path: path}
		p.inputs[path] = in
		p.fresh = append(p.fresh, in)
		in.refresh(true, time.Now())
	}
	return in
}

// scan refreshes every file, finds the sources that came and went, and loads
// those that changed. Files in dirty are read though they look unchanged. It
// reports whether anything is new, and when to scan again for what is missing for
// the moment, zero if not.
func (p *Provider) scan(dirty map[string]bool) (changed bool, again time.Duration) {
	again = p.refresh(dirty, func(*input) bool { return true })
	// What a project says of Traefik may lead to other files.
	for range 2 {
		if p.discover() {
			changed = true
		}
		changed = p.takeStale() || changed
	}
	if p.decodeContainers() {
		changed = true
	}
	p.forget()
	return changed, again
}

// scanFragments is scan where nothing but these fragments is said to have changed: the
// other files are not looked at.
func (p *Provider) scanFragments(dirty map[string]bool) (changed bool, again time.Duration) {
	again = p.refresh(dirty, (*input).pending)
	changed = p.discoverFragments(dirty)
	changed = p.takeStale() || changed
	return changed, again
}

// isFragments reports whether all these paths are in the directory of fragments itself,
// and all its fragments are served.
func (p *Provider) isFragments(dirty map[string]bool) bool {
	if len(dirty) == 0 || len(p.missing) > 0 {
		return false
	}
	for path := range dirty {
		if filepath.Dir(path) != p.fragments.path {
			return false
		}
	}
	return true
}

// refresh reads the files in dirty, and those others that are wanted and look changed.
func (p *Provider) refresh(dirty map[string]bool, wanted func(*input) bool) (again time.Duration) {
	now := time.Now()
	for path, in := range p.inputs {
		if !dirty[path] && !wanted(in) {
			continue
		}
		if wait := in.refresh(dirty[path], now); wait > 0 && (again == 0 || wait < again) {
			again = wait
		}
	}
	return again
}

// takeStale loads the sources whose files have changed, and reports whether there are any.
func (p *Provider) takeStale() (changed bool) {
	for _, s := range p.sources {
		if !s.containers && s.stale(p.inputs) {
			s.take(p.loader, p.input)
			s.texts = s.readTexts(p.inputs)
			changed = true
		}
	}
	return changed
}

// forget drops the inputs that no source reads any more.
func (p *Provider) forget() {
	used := map[string]bool{}
	for _, s := range p.sources {
		for path := range s.inputs {
			used[path] = true
		}
	}
	for path := range p.inputs {
		if !used[path] {
			delete(p.inputs, path)
		}
	}
}

// finder collects the sources that there should be.
type finder struct {
	*Provider
	wanted map[string]*source // those found, by where they are from and path
	places map[string]bool    // where sources are from
	listed map[string]bool
	limits bounds
	news   bool
}

// discover adds the fragments and dynamic files that are new, in order of name,
// and withdraws those that are gone. It reports whether there are any.
func (p *Provider) discover() bool {
	f := &finder{Provider: p, wanted: map[string]*source{}, places: map[string]bool{}, listed: map[string]bool{}, limits: p.limits}
	missing := p.missing
	p.missing = nil
	for _, s := range p.sources {
		f.wanted[s.from+"\x00"+s.path()] = s
	}
	if p.fragments.path != "" {
		f.list(p.fragments, 0, isFragment, p.newFragment)
	}
	for _, dir := range p.folders {
		f.dynamic(dir)
	}
	for _, s := range slices.Clone(p.sources) {
		doc := s.latest
		if doc == nil {
			doc = s.good
		}
		if doc != nil && doc.static != nil && s.layer == fileLayer {
			f.traefik(s, doc.static)
		}
	}
	if p.withdraw(func(s *source) bool { return s.from != "" && !f.places[s.from] }) {
		f.news = true
	}
	p.listed = f.listed
	for _, problem := range p.missing {
		if !slices.Contains(missing, problem) {
			p.log.Warn(problem.Error(), problem.Attrs()...)
		}
	}
	return f.news || !slices.Equal(missing, p.missing)
}

// withdraw drops the sources from directories whose file is gone, and those that are to
// go. It reports whether there are any.
func (p *Provider) withdraw(goes func(*source) bool) bool {
	before := len(p.sources)
	p.sources = slices.DeleteFunc(p.sources, func(s *source) bool {
		in := p.inputs[s.path()]
		return s.fleeting && in != nil && in.err != nil && errors.Is(in.err, fs.ErrNotExist) || goes(s)
	})
	return len(p.sources) < before
}

func (p *Provider) newFragment(path, shown, from string) *source {
	return &source{name: shown, roots: []string{path}, dir: p.fragments.path, shownDir: p.fragments.shown, layer: fragmentLayer, from: from,
		fleeting: true, clean: p.started}
}

// discoverFragments is discover for these files of the directory of fragments alone.
func (p *Provider) discoverFragments(dirty map[string]bool) bool {
	from := placeOf(p.fragments)
	served := 0
	unknown := maps.Clone(dirty)
	for _, s := range p.sources {
		if s.from == from {
			delete(unknown, s.path())
			served++
		}
	}
	news := false
	for _, path := range slices.Sorted(maps.Keys(unknown)) {
		name := filepath.Base(path)
		if info, err := os.Lstat(path); err != nil || info.IsDir() || !isFragment(name) {
			continue
		}
		if served++; served > p.limits.files {
			return p.discover() // which tells of it
		}
		p.sources = append(p.sources, p.newFragment(path, filepath.Join(p.fragments.shown, name), from))
		news = true
	}
	return p.withdraw(func(*source) bool { return false }) || news
}

// traefik finds the dynamic files that a project's Traefik is pointed at.
func (f *finder) traefik(s *source, told *config.Static) {
	for _, fp := range told.FileProviders {
		if fp.Directory == "" {
			from := "file " + fp.Path
			f.places[from] = true
			f.add(from, fp.Path, func() *source { return newDynamic(fp.Path, s.show(fp.Path), from) })
			continue
		}
		if info, err := os.Stat(fp.Directory); err != nil || !info.IsDir() {
			f.missing = append(f.missing, config.Problem{Severity: config.Warning, File: told.Origin.File, Line: told.Origin.Line,
				Service: told.Origin.Service,
				Message: fmt.Sprintf("the directory of Traefik's file provider, %s, does not exist", s.show(fp.Directory)),
				Fix:     "create it, or mount another one"})
		}
		f.dynamic(folder{fp.Directory, s.show(fp.Directory)})
	}
}

func (f *finder) add(from, path string, make func() *source) {
	key := from + "\x00" + path
	if f.wanted[key] != nil {
		return
	}
	s := make()
	f.wanted[key] = s
	f.sources = append(f.sources, s)
	f.news = true
}

// decodeContainers reads the labels of the containers, if they or what is told
// of all of them changed.
func (p *Provider) decodeContainers() bool {
	i := slices.IndexFunc(p.sources, func(s *source) bool { return s.containers })
	if i < 0 {
		return false
	}
	s := p.sources[i]
	var told settings
	told.requireEnable = p.loader.requireEnable
	for _, other := range p.sources {
		doc := other.latest
		if doc == nil {
			doc = other.good
		}
		if other.layer == fileLayer && doc != nil && doc.static != nil {
			told = doc.settings
		}
	}
	if !s.reloading && s.latest != nil && s.latest.settings == told {
		return false
	}
	before := s.latest
	s.reloading = false
	s.version++
	s.latest = &document{layer: containerLayer, containers: true, settings: told, files: map[string]bool{}}
	for _, c := range p.running {
		c.Layer, c.Rules = containerLayer, p.loader.rules
		if !told.apply(&c) {
			continue
		}
		d := decoded{in: c}
		if before != nil {
			for _, was := range before.running {
				if was.in.Name == c.Name && was.in.Project == c.Project && d.set == nil {
					d.set = was.again(c)
				}
			}
		}
		if d.set == nil {
			d.set = label.Decode(c)
		}
		s.latest.files[c.File] = true
		s.latest.running = append(s.latest.running, d)
		s.latest.sets = append(s.latest.sets, d.set)
	}
	return true
}
