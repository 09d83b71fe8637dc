package rule

import "strings"

// Selector is where requests that a rule accepts are to be found, so that a
// table of routes can be indexed. The zero value is anywhere.
type Selector struct {
	// Host is a name in lower case, a wildcard such as "*.localhost", which stands
	// for one label, or empty for any host.
	Host string
	// Path is what the path starts with, or where Exact is set all of it.
	Path  string
	Exact bool
}

// maxSelectors bounds how finely one rule is indexed.
const maxSelectors = 64

var anywhere = []Selector{{}}

// Selectors cover the rule: each request that it accepts is in one of them,
// though not all that is in one is accepted. None means that no request is. They are
// found once, and must not be changed.
func (r *Rule) Selectors() []Selector {
	r.selecting.Do(func() { r.selectors = r.root.selectors() })
	return r.selectors
}

func (a all) selectors() []Selector {
	found := anywhere
	for _, n := range a {
		var both []Selector
		for _, s := range n.selectors() {
			for _, f := range found {
				if m, ok := f.and(s); ok {
					both = append(both, m)
				}
			}
		}
		if len(both) <= maxSelectors { // else this part is left to the match itself
			found = both
		}
	}
	return found
}

func (a anyOf) selectors() []Selector {
	var found []Selector
	for _, n := range a {
		found = append(found, n.selectors()...)
	}
	if len(found) > maxSelectors {
		return anywhere
	}
	return found
}

func (l leaf) selectors() []Selector {
	if l.negated {
		return anywhere
	}
	switch m := l.matcher.(type) {
	case exactHost:
		return []Selector{{Host: string(m)}}
	case hostSuffix:
		return []Selector{{Host: "*" + string(m)}}
	case exactPath:
		return []Selector{{Path: string(m), Exact: true}}
	case pathPrefix:
		return []Selector{{Path: string(m)}}
	}
	return anywhere
}

// and covers what both cover; false where that is nothing.
func (s Selector) and(t Selector) (Selector, bool) {
	host, ok := narrowerHost(s.Host, t.Host)
	if !ok {
		return Selector{}, false
	}
	if len(t.Path) > len(s.Path) || len(t.Path) == len(s.Path) && t.Exact {
		s, t = t, s
	}
	// s has the longer path: t must lead to it.
	if !strings.HasPrefix(s.Path, t.Path) || t.Exact && s.Path != t.Path {
		return Selector{}, false
	}
	s.Host = host
	return s, true
}

func narrowerHost(a, b string) (string, bool) {
	switch {
	case a == "" || a == b:
		return b, true
	case b == "":
		return a, true
	case strings.HasPrefix(a, "*"):
		return b, !strings.HasPrefix(b, "*") && hostSuffix(a[1:]).matchHost(b)
	case strings.HasPrefix(b, "*"):
		return a, hostSuffix(b[1:]).matchHost(a)
	}
	return "", false
}
