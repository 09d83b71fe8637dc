package static

import (
	"axion/gateway/config"
	"axion/gateway/dynamic/document"
	"slices"
	"strings"
)

// fromFile decodes the static file.
func (r *reader) fromFile(f *staticFile) {
	r.origin = config.Origin{Provider: "file", File: f.name}
	root, problem := document.Parse(f.place, f.data) // its ending there says its form
	if problem != nil {
		problem.File = f.name
		r.problems = append(r.problems, *problem)
		return
	}
	r.prune(root, nil)
	r.problems = append(r.problems, document.DecodeRest(f.name, root, &r.tree)...)
}

// prune takes out what is not to be decoded, and reports why.
func (r *reader) prune(n *document.Node, path []string) {
	if n.Kind != document.Mapping {
		return
	}
	for _, c := range n.Children {
		at := append(path[:len(path):len(path)], c.Name)
		s := setting{path: at, text: strings.Join(at, "."), line: c.Line, value: c.Value}
		// Of a file Traefik takes its own sections only.
		s.ignored = len(path) == 0 && !slices.Contains(append(sectionNames(), refused), strings.ToLower(c.Name))
		f := classify(at)
		r.locate(at, c.Line)
		switch {
		case c.Kind == document.Mapping && len(c.Children) == 0 && f.verdict == section:
			r.accept(f, s)
			n.Remove(c)
		case c.Kind != document.Scalar && (f.verdict == section || f.verdict == unfollowed && f.listed.alone):
			r.prune(c, at)
			n.Remove(c)
		case f.verdict == unfollowed && r.pruneAbsent(c, at):
			n.Remove(c)
		case f.verdict != known:
			r.accept(f, s)
			n.Remove(c)
		case c.Kind == document.Mapping:
			had := len(c.Children)
			if r.prune(c, at); had > 0 && len(c.Children) == 0 && !f.empty {
				n.Remove(c) // what was in it is reported
			}
		case c.Kind == document.Scalar && !r.accept(f, s):
			n.Remove(c)
		case c.Kind == document.Scalar && f.entry:
			c.Kind, c.Value = document.Mapping, "" // a name alone, as Traefik takes it
		}
	}
}

// pruneAbsent takes out of what is not followed what Traefik does not even have, and
// reports it. It returns whether that leaves nothing.
func (r *reader) pruneAbsent(n *document.Node, path []string) bool {
	if n.Kind != document.Mapping || len(n.Children) == 0 {
		return false
	}
	for _, c := range n.Children {
		at := append(path[:len(path):len(path)], c.Name)
		if f := classify(at); f.absent != nil {
			r.unknown(f, setting{path: at, text: strings.Join(at, "."), line: c.Line, value: c.Value})
			n.Remove(c)
		} else if r.pruneAbsent(c, at) {
			n.Remove(c)
		}
	}
	return len(n.Children) == 0
}
