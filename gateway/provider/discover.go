package provider

import (
	"axion/gateway/config"
	"axion/gateway/provider/merge"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// discovery finds the sources that there should be.
type discovery struct {
	*Provider
	wanted      map[string]*source // those found, by where they are from and path
	origins     map[string]bool    // where sources are from
	watchedDirs map[string]bool
	limits      bounds
	added       bool
}

// discover adds the fragments and dynamic files that are new, in order of name,
// and withdraws those that are gone. It reports whether there are any.
func (p *Provider) discover() bool {
	d := &discovery{Provider: p, wanted: map[string]*source{}, origins: map[string]bool{}, watchedDirs: map[string]bool{}, limits: p.limits}
	missing := p.missing
	p.missing = nil
	for _, s := range p.sources {
		d.wanted[s.from+"\x00"+s.path()] = s
	}
	if p.fragments.path != "" {
		d.list(p.fragments, 0, isFragment, func(path, shown, _ string) *source { return newFragment(p.fragments, path, shown, p.started) })
	}
	for _, dir := range p.folders {
		d.dynamic(dir)
	}
	for _, s := range slices.Clone(p.sources) {
		if doc := s.current(); doc != nil && doc.Static != nil && s.layer == merge.FileLayer {
			d.fileProviders(s, doc.Static)
		}
	}
	if p.withdraw(func(s *source) bool { return s.from != "" && !d.origins[s.from] }) {
		d.added = true
	}
	p.watchedDirs = d.watchedDirs
	for _, problem := range p.missing {
		if !slices.Contains(missing, problem) {
			p.log.Warn(problem.Error(), problem.Attrs()...)
		}
	}
	return d.added || !slices.Equal(missing, p.missing)
}

// withdraw drops the sources from directories whose file is gone, and the obsolete
// ones. It reports whether there are any.
func (p *Provider) withdraw(obsolete func(*source) bool) bool {
	before := len(p.sources)
	p.sources = slices.DeleteFunc(p.sources, func(s *source) bool {
		in := p.files.Known(s.path())
		return s.temporary && in != nil && in.Err != nil && errors.Is(in.Err, fs.ErrNotExist) || obsolete(s)
	})
	return len(p.sources) < before
}

// newFragment is the source of a fragment in dir. It is errorFree where it came later.
func newFragment(dir folder, path, shown string, later bool) *source {
	return &source{name: shown, roots: []string{path}, dir: dir.path, shownDir: dir.shown, layer: merge.FragmentLayer,
		from: originOf(dir), temporary: true, errorFree: later}
}

// discoverFragments is discover for these files of the directory of fragments alone.
func (p *Provider) discoverFragments(dirty map[string]bool) bool {
	from := originOf(p.fragments)
	served := 0
	unknown := maps.Clone(dirty)
	for _, s := range p.sources {
		if s.from == from {
			delete(unknown, s.path())
			served++
		}
	}
	added := false
	for _, path := range slices.Sorted(maps.Keys(unknown)) {
		name := filepath.Base(path)
		if info, err := os.Lstat(path); err != nil || info.IsDir() || !isFragment(name) {
			continue
		}
		if served++; served > p.limits.files {
			return p.discover() // which reports it
		}
		p.sources = append(p.sources, newFragment(p.fragments, path, filepath.Join(p.fragments.shown, name), p.started))
		added = true
	}
	return p.withdraw(func(*source) bool { return false }) || added
}

// fileProviders finds the dynamic files that a project's Traefik is pointed at.
func (d *discovery) fileProviders(s *source, static *config.Static) {
	for _, fp := range static.FileProviders {
		if fp.Directory == "" {
			from := "file " + fp.Path
			d.origins[from] = true
			d.add(from, fp.Path, func() *source { return newDynamic(fp.Path, s.show(fp.Path), from) })
			continue
		}
		if info, err := os.Stat(fp.Directory); err != nil || !info.IsDir() {
			d.missing = append(d.missing, config.Problem{Severity: config.Warning, File: static.Origin.File, Line: static.Origin.Line,
				Service: static.Origin.Service,
				Message: fmt.Sprintf("the directory of Traefik's file provider, %s, does not exist", s.show(fp.Directory)),
				Fix:     "create it, or mount another one"})
		}
		d.dynamic(folder{fp.Directory, s.show(fp.Directory)})
	}
}

func (d *discovery) add(from, path string, build func() *source) {
	key := from + "\x00" + path
	if d.wanted[key] != nil {
		return
	}
	s := build()
	d.wanted[key] = s
	d.sources = append(d.sources, s)
	d.added = true
}
