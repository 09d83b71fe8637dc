package provider

import (
	"axion/gateway/config"
	"axion/gateway/provider/merge"
	"log/slog"
	"reflect"
	"slices"
)

// resolve decides which version of each source is in force, publishes the
// result, and reports whether it differs from the one before.
func (p *Provider) resolve() bool {
	p.publishTexts()
	c := &selection{sources: p.sources, check: p.check, memos: &p.memos}
	c.choose()
	p.memos.Forget()
	for _, s := range p.sources {
		if s.fault != nil {
			c.refused[s] = []config.Problem{*s.fault}
		}
		c.out.Problems = append(c.out.Problems, c.refused[s]...)
		partial := c.errorsOf(s)
		s.good = c.use[s]
		if s.good != nil || !p.started {
			s.errorFree = s.good != nil && len(partial) == 0
		}
		s.report(p.log, c.refused[s], partial)
	}
	c.out.Problems = append(c.out.Problems, p.missing...)
	inForce := c.documents()
	before := p.dynamic.Load()
	if before != nil && slices.EqualFunc(p.inForce, inForce, sameDocument) && slices.Equal(before.Problems, c.out.Problems) {
		return false
	}
	p.inForce = inForce
	p.dynamic.Store(c.out)
	return true
}

// sameDocument reports whether two versions amount to the same: what did not
// change is that of the one before.
func sameDocument(a, b *merge.Document) bool {
	return a.Layer == b.Layer && a.File == b.File && a.Static == b.Static && slices.Equal(a.Sets, b.Sets) && reflect.DeepEqual(a.Unserved,
		b.Unserved)
}

// report logs what is wrong with a source, unless it did so for this version.
func (s *source) report(log *slog.Logger, refused, partial []config.Problem) {
	found := refused
	outcome := "refused, the last good version stays in force"
	if len(refused) == 0 {
		found, outcome = partial, "left out"
	}
	if !s.dynamic {
		outcome = "labels " + outcome
	}
	if s.reportedVersion == s.version && slices.Equal(found, s.reported) {
		return
	}
	s.reported, s.reportedVersion = found, s.version
	for _, problem := range found {
		log.Error(outcome+": "+problem.Error(), problem.Attrs()...)
	}
}
