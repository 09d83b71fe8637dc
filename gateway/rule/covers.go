package rule

import "strings"

// Covers reports whether r accepts every request that other accepts, as far as
// their matchers tell: true is certain, false may be ignorance.
func (r *Rule) Covers(other *Rule) bool { return implies(other.root, r.root) }

// implies reports whether each request that n accepts is one that m does.
func implies(n, m node) bool {
	if alternatives, ok := n.(anyOf); ok {
		for _, a := range alternatives {
			if !implies(a, m) {
				return false
			}
		}
		return true
	}
	switch m := m.(type) {
	case all:
		for _, part := range m {
			if !implies(n, part) {
				return false
			}
		}
		return true
	case anyOf:
		for _, a := range m {
			if implies(n, a) {
				return true
			}
		}
		return false
	}
	parts, ok := n.(all)
	if !ok {
		return leafImplies(n.(leaf), m.(leaf))
	}
	for _, part := range parts {
		if implies(part, m) {
			return true
		}
	}
	return false
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
