package rule

import (
	"slices"
	"strings"
)

// Covers reports whether r accepts every request that other accepts, as far as
// their matchers say: true is certain, false may be ignorance.
func (r *Rule) Covers(other *Rule) bool { return implies(other.root, r.root) }

// implies reports whether each request that n accepts is one that m does.
func implies(n, m node) bool {
	if alternatives, ok := n.(anyOf); ok {
		return !slices.ContainsFunc(alternatives, func(a node) bool { return !implies(a, m) })
	}
	switch m := m.(type) {
	case all:
		return !slices.ContainsFunc(m, func(part node) bool { return !implies(n, part) })
	case anyOf:
		return slices.ContainsFunc(m, func(a node) bool { return implies(n, a) })
	}
	if parts, ok := n.(all); ok {
		return slices.ContainsFunc(parts, func(part node) bool { return implies(part, m) })
	}
	return leafImplies(n.(leaf), m.(leaf))
}

func leafImplies(n, m leaf) bool {
	if n.text == m.text {
		return n.negated == m.negated
	}
	if n.negated || m.negated {
		return false
	}
	switch m := m.matcher.(type) {
	case anyHost:
		return true
	case pathPrefix:
		return strings.HasPrefix(pathOf(n), string(m))
	case exactPath:
		p, ok := n.matcher.(exactPath)
		return ok && p == m
	case pathRegexp:
		p, ok := n.matcher.(exactPath)
		return ok && m.MatchString(string(p))
	case hostMatcher:
		h, ok := n.matcher.(exactHost)
		return ok && m.matchHost(string(h))
	case clientIP:
		c, ok := n.matcher.(clientIP)
		return ok && m.Bits() <= c.Bits() && m.Contains(c.Addr())
	case method, header, query:
		return n.matcher == m
	}
	return false
}

// pathOf is what the path starts with, where the matcher says that.
func pathOf(l leaf) string {
	switch p := l.matcher.(type) {
	case exactPath:
		return string(p)
	case pathPrefix:
		return string(p)
	}
	return "/" // every path does
}
