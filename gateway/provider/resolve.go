package provider

import (
	"reflect"
	"slices"

	"axion/gateway/config"
)

// resolve decides which version of each source is in force, publishes the
// result, and reports whether it differs from the one before.
func (p *Provider) resolve() bool {
	p.publishTexts()
	c := p.choose()
	p.memos.forget()
	for _, s := range p.sources {
		if s.fault != nil {
			c.refused[s] = []config.Problem{*s.fault}
		}
		c.out.Problems = append(c.out.Problems, c.refused[s]...)
		partial := c.errorsOf(s)
		s.good = c.use[s]
		if s.good != nil || !p.started {
			s.clean = s.good != nil && len(partial) == 0
		}
		p.report(s, c.refused[s], partial)
	}
	c.out.Problems = append(c.out.Problems, p.missing...)
	used := p.documents(c.use)
	before := p.dynamic.Load()
	if before != nil && slices.EqualFunc(p.used, used, sameDocument) && slices.Equal(before.Problems, c.out.Problems) {
		return false
	}
	p.used = used
	p.dynamic.Store(c.out)
	return true
}

// sameDocument reports whether two versions amount to the same: what did not
// change is taken over from the one before.
func sameDocument(a, b *document) bool {
	return a.layer == b.layer && a.file == b.file && a.static == b.static && slices.Equal(a.sets, b.sets) && reflect.DeepEqual(a.unserved,
		b.unserved)
}

// choice is a version for each source, and what they amount to.
type choice struct {
	use     map[*source]*document
	out     *config.Dynamic
	errs    map[string][]config.Problem  // in what is used, by file
	refused map[*source][]config.Problem // why the last version is not used
}

// choose tries the last version of every source. One that has an error, or
// breaks what another has in force, gives way to the version in force before if
// that is sound. A source whose first version was faulty is served in part until
// it is fixed, so its changes still count.
func (p *Provider) choose() choice {
	c := choice{use: make(map[*source]*document, len(p.sources)), refused: map[*source][]config.Problem{}}
	for _, s := range p.sources {
		if c.use[s] = s.latest; s.fault != nil {
			c.use[s] = s.good
		}
	}
	for p.evaluate(&c); p.retreat(&c); p.evaluate(&c) {
	}
	return c
}

// evaluate finds what the versions used amount to, and what is wrong with that.
func (p *Provider) evaluate(c *choice) {
	c.out = merge(p.documents(c.use), &p.memos)
	c.out.Problems = append(c.out.Problems, p.check(c.out)...)
	c.errs = errorsByFile(c.out.Problems)
}

// retreat goes back to the version in force of the changed sources that have an
// error of their own, or, where none has, of those that break one that did not change.
// It reports whether there was any.
func (p *Provider) retreat(c *choice) bool {
	var changed, faulty []*source
	for _, s := range p.sources {
		if s.clean && !s.containers && c.use[s] != s.good && s.latest != nil && c.use[s] == s.latest {
			changed = append(changed, s)
			if len(c.errorsOf(s)) > 0 {
				faulty = append(faulty, s)
			}
		}
	}
	broken := c.broken(p.sources)
	if len(faulty) == 0 && len(broken) > 0 && len(changed) > 0 {
		faulty = p.breaking(c, changed)
	}
	for _, s := range faulty {
		why := c.errorsOf(s)
		if len(why) == 0 {
			why = s.blame(broken)
		}
		c.use[s], c.refused[s] = s.good, why
	}
	return len(faulty) > 0
}

// blame says of errors elsewhere that the change of s is what makes them.
func (s *source) blame(errs []config.Problem) []config.Problem {
	all := make([]config.Problem, 0, len(errs))
	for _, e := range errs {
		hint := "keep what others use, or change them first"
		all = append(all, config.Problem{Severity: config.Error, File: s.name, Message: "the change breaks " + e.Error(), Fix: hint})
	}
	return all
}

// broken are the errors of sources that did not change, and had none.
func (c *choice) broken(sources []*source) []config.Problem {
	var all []config.Problem
	for _, s := range sources {
		if s.clean && !s.containers && c.use[s] == s.good {
			all = append(all, c.errorsOf(s)...)
		}
	}
	return all
}

// breaking are those of the changed sources whose change gives others an error. They are
// looked for by halves: most changes break nothing.
func (p *Provider) breaking(c *choice, changed []*source) []*source {
	for _, s := range changed {
		c.use[s] = s.good
	}
	p.evaluate(c)
	before := map[config.Problem]bool{} // a file that was removed may have broken something too
	for _, problem := range c.broken(p.sources) {
		before[problem] = true
	}
	isNew := func(problem config.Problem) bool { return !before[problem] }
	var found []*source
	var admit func([]*source)
	admit = func(some []*source) {
		for _, s := range some {
			c.use[s] = s.latest
		}
		if p.evaluate(c); !slices.ContainsFunc(c.broken(p.sources), isNew) {
			return
		}
		for _, s := range some {
			c.use[s] = s.good
		}
		if len(some) == 1 {
			found = append(found, some[0])
			return
		}
		admit(some[:len(some)/2])
		admit(some[len(some)/2:])
	}
	admit(changed)
	p.evaluate(c)
	return found
}

// errorsOf are the errors in what is used of a source.
func (c *choice) errorsOf(s *source) []config.Problem {
	doc := c.use[s]
	if doc == nil || len(c.errs) == 0 {
		return c.errs[s.name]
	}
	var all []config.Problem
	for file, errs := range c.errs {
		if doc.files[file] {
			all = append(all, errs...)
		}
	}
	sortByPlace(all)
	return all
}

func (p *Provider) documents(use map[*source]*document) []*document {
	docs := make([]*document, 0, len(p.sources))
	for _, s := range p.sources {
		if doc := use[s]; doc != nil {
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

// report logs what is wrong with a source, unless it did so for this version.
func (p *Provider) report(s *source, refused, partial []config.Problem) {
	found := refused
	outcome := "refused, the last good version stays in force"
	if len(refused) == 0 {
		found, outcome = partial, "left out"
	}
	if !s.dynamic {
		outcome = "labels " + outcome
	}
	if s.toldVersion == s.version && slices.Equal(found, s.told) {
		return
	}
	s.told, s.toldVersion = found, s.version
	for _, problem := range found {
		p.log.Error(outcome+": "+problem.Error(), problem.Attrs()...)
	}
}
