package provider

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"axion/gateway/config"
)

// scan refreshes every file, and finds the fragments that came and went. Files
// in dirty are read though they look unchanged. It reports whether anything is
// new, and when to scan again for what is missing for the moment, zero if not.
func (p *Provider) scan(dirty map[string]bool) (changed bool, again time.Duration) {
	now := time.Now()
	p.discover()
	kept := p.files[:0]
	for _, f := range p.files {
		news, wait := f.refresh(p.loader, dirty[f.path] || dirty[f.env], now)
		changed = changed || news
		if wait > 0 && (again == 0 || wait < again) {
			again = wait
		}
		// A fragment that is gone is withdrawn; a file the user named is missed.
		if !f.fragment || f.missing.IsZero() || wait > 0 {
			kept = append(kept, f)
		}
	}
	clear(p.files[len(kept):])
	p.files = kept
	return changed, again
}

// discover adds the fragments that are new in the directory, in order of name.
func (p *Provider) discover() {
	if p.dir == "" {
		return
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return // the directory is being replaced, or its fragments are gone with it
	}
	have := make(map[string]bool, len(p.files))
	for _, f := range p.files {
		if f.fragment {
			have[f.path] = true
		}
	}
	for _, e := range entries {
		path := filepath.Join(p.dir, e.Name())
		if !isFragment(e.Name()) || have[path] {
			continue
		}
		p.files = append(p.files, &file{
			name: filepath.Join(p.dirName, e.Name()), path: path, workDir: p.dir, fragment: true,
			layer: p.top, clean: p.started,
		})
	}
}

func isFragment(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".")
}

// resolve decides which version of each file is in force, publishes the result,
// and reports whether it differs from the one before.
func (p *Provider) resolve() bool {
	c := p.choose()
	for _, f := range p.files {
		if f.fault != nil {
			c.refused[f] = []config.Problem{*f.fault}
		}
		c.out.Problems = append(c.out.Problems, c.refused[f]...)
		f.good = c.use[f]
		if f.good != nil || !p.started {
			f.clean = f.good != nil && len(c.errs[f.name]) == 0
		}
		p.report(f, c.refused[f], c.errs[f.name])
	}
	if before := p.dynamic.Load(); before != nil && reflect.DeepEqual(before, c.out) {
		return false
	}
	p.dynamic.Store(c.out)
	return true
}

// choice is a version for each file, and what they amount to.
type choice struct {
	use     map[*file]*document
	out     *config.Dynamic
	errs    map[string][]config.Problem // in what is used, by file
	refused map[*file][]config.Problem  // why the last version is not used
}

// choose tries the last version of every file. One that has an error, or breaks
// what another file has in force, gives way to the version in force before if
// that is sound. A file whose first version was faulty is served in part until it
// is mended, so its changes still count.
func (p *Provider) choose() choice {
	c := choice{use: map[*file]*document{}, refused: map[*file][]config.Problem{}}
	for _, f := range p.files {
		if c.use[f] = f.latest; f.fault != nil {
			c.use[f] = f.good
		}
	}
	for {
		c.out = merge(p.documents(c.use))
		c.out.Problems = append(c.out.Problems, p.check(c.out)...)
		c.errs = errorsByFile(c.out.Problems)
		if !c.retreat(p.files) {
			return c
		}
	}
}

// retreat goes back to the version in force of the changed files that have an
// error of their own. Only where none has are all of them suspected of breaking
// a file that did not change. It reports whether there was any.
func (c *choice) retreat(files []*file) bool {
	var changed, faulty []*file
	var broken []config.Problem
	for _, f := range files {
		switch {
		case !f.clean:
		case c.use[f] == f.good:
			broken = append(broken, c.errs[f.name]...)
		case f.latest != nil && c.use[f] == f.latest:
			changed = append(changed, f)
			if len(c.errs[f.name]) > 0 {
				faulty = append(faulty, f)
			}
		}
	}
	if len(faulty) == 0 && len(broken) > 0 {
		faulty = changed
	}
	for _, f := range faulty {
		why := c.errs[f.name]
		if len(why) == 0 {
			why = broken
		}
		c.use[f], c.refused[f] = f.good, why
	}
	return len(faulty) > 0
}

func (p *Provider) documents(use map[*file]*document) []*document {
	var docs []*document
	for _, f := range p.files {
		if doc := use[f]; doc != nil {
			docs = append(docs, doc)
		}
	}
	return docs
}

func errorsByFile(problems []config.Problem) map[string][]config.Problem {
	errs := map[string][]config.Problem{}
	for _, problem := range problems {
		if problem.Severity == config.Error {
			errs[problem.File] = append(errs[problem.File], problem)
		}
	}
	return errs
}

// report logs what is wrong with a file, unless it did so for this version.
func (p *Provider) report(f *file, refused, partial []config.Problem) {
	found := refused
	outcome := "labels refused, the last good version of the file stays in force"
	if len(refused) == 0 {
		found, outcome = partial, "labels left out"
	}
	if f.toldVersion == f.version && slices.Equal(found, f.told) {
		return
	}
	f.told, f.toldVersion = found, f.version
	for _, problem := range found {
		p.log.Error(outcome+": "+problem.Error(), problem.Attrs()...)
	}
}
