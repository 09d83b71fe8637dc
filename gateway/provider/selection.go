package provider

import (
	"axion/gateway/config"
	"axion/gateway/provider/merge"
	"slices"
)

// selection is a version for each source, and what they amount to.
type selection struct {
	sources []*source
	check   func(*config.Dynamic) []config.Problem
	memos   *merge.Memos

	use     map[*source]*document
	out     *config.Dynamic
	errs    map[string][]config.Problem  // in what is used, by file
	refused map[*source][]config.Problem // why the last version is not used
}

// choose tries the last version of every source. One that has an error, or
// breaks what another has in force, gives way to the version in force before if
// that is sound. A source whose first version was faulty is served in part until
// it is fixed, so its changes still count.
func (c *selection) choose() {
	c.use, c.refused = make(map[*source]*document, len(c.sources)), map[*source][]config.Problem{}
	for _, s := range c.sources {
		if c.use[s] = s.latest; s.fault != nil {
			c.use[s] = s.good
		}
	}
	for c.evaluate(); c.fallBack(); c.evaluate() {
	}
}

// evaluate finds what the versions used amount to, and what is wrong with that.
func (c *selection) evaluate() {
	c.out = merge.Documents(c.documents(), c.memos)
	c.out.Problems = append(c.out.Problems, c.check(c.out)...)
	c.errs = errorsByFile(c.out.Problems)
}

// fallBack goes back to the version in force of the changed sources that have an
// error of their own, or, where none has, of those that break one that did not change.
// It reports whether there was any.
func (c *selection) fallBack() bool {
	var changed, faulty []*source
	for _, s := range c.sources {
		if s.errorFree && !s.containers && c.use[s] != s.good && s.latest != nil && c.use[s] == s.latest {
			changed = append(changed, s)
			if len(c.errorsOf(s)) > 0 {
				faulty = append(faulty, s)
			}
		}
	}
	broken := c.broken()
	if len(faulty) == 0 && len(broken) > 0 && len(changed) > 0 {
		faulty = c.breaking(changed)
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
func (c *selection) broken() []config.Problem {
	var all []config.Problem
	for _, s := range c.sources {
		if s.errorFree && !s.containers && c.use[s] == s.good {
			all = append(all, c.errorsOf(s)...)
		}
	}
	return all
}

// breaking are those of the changed sources whose change gives others an error. They are
// looked for by halves: most changes break nothing.
func (c *selection) breaking(changed []*source) []*source {
	for _, s := range changed {
		c.use[s] = s.good
	}
	c.evaluate()
	before := map[config.Problem]bool{} // a file that was removed may have broken something too
	for _, problem := range c.broken() {
		before[problem] = true
	}
	isNew := func(problem config.Problem) bool { return !before[problem] }
	var found []*source
	var admit func([]*source)
	admit = func(some []*source) {
		for _, s := range some {
			c.use[s] = s.latest
		}
		if c.evaluate(); !slices.ContainsFunc(c.broken(), isNew) {
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
	c.evaluate()
	return found
}

// errorsOf are the errors in what is used of a source.
func (c *selection) errorsOf(s *source) []config.Problem {
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
	merge.SortProblems(all)
	return all
}

func (c *selection) documents() []*merge.Document {
	docs := make([]*merge.Document, 0, len(c.sources))
	for _, s := range c.sources {
		if doc := c.use[s]; doc != nil {
			docs = append(docs, doc.Document)
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
