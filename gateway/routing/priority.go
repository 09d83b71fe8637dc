package routing

import (
	"fmt"
	"regexp"
	"strings"
)

// warnEqualPriorities adds a warning to each pair of routers that can take the same request
// and that nothing but their names puts in order.
func (t *Table) warnEqualPriorities() {
	for _, p := range t.indexes {
		for _, x := range []*Index{&p.plain, &p.secure} {
			for _, buckets := range []map[string]*bucket{x.Hosts, x.wildcards} {
				for _, b := range buckets {
					warnEqualPrioritiesOf(b.routers())
				}
			}
			warnEqualPrioritiesOf(x.catchAll.routers())
		}
	}
}

const (
	// maxEqualPriorities bounds how many ties of one router are named; that there are more is reported.
	maxEqualPriorities = 32
	// maxPriorityChecks bounds how many pairs of one list are compared; that there are more
	// is reported.
	maxPriorityChecks = 1 << 18
)

// warnEqualPrioritiesOf looks at routers in the order of trial, in which ties are neighbours.
func warnEqualPrioritiesOf(routers []*Router) {
	if len(routers) < 2 {
		return
	}
	paths := make([]string, len(routers))
	for i, r := range routers {
		paths[i] = onlyPath(r.Rule.String())
	}
	checks := 0
	for i, a := range routers {
		ties := 0
		for j := i + 1; j < len(routers) && a.hasEqualPriority(routers[j]); j++ {
			if checks++; checks > maxPriorityChecks {
				a.noteOnce("priority", fmt.Sprintf("too many routers have the same priority %d: not all of them are compared", a.Priority),
					"give them priorities of their own, or longer rules")
				return
			}
			if disjoint(paths[i], paths[j]) {
				continue
			}
			if ties++; ties <= maxEqualPriorities {
				a.warnEqualPriority(a, routers[j])
				routers[j].warnEqualPriority(a, routers[j])
			}
		}
		if ties > maxEqualPriorities {
			a.warnOnce("priority", fmt.Sprintf("%d more routers have the same priority %d as %q, and are tried after it", ties-maxEqualPriorities,
				a.Priority, a.Name), "give one of them a higher priority")
		}
	}
}

// hasEqualPriority reports whether nothing but names puts two routers in order.
func (r *Router) hasEqualPriority(other *Router) bool {
	return r.Priority == other.Priority && r.Config.Origin.Layer == other.Config.Origin.Layer
}

func (r *Router) warnEqualPriority(first, second *Router) {
	message := fmt.Sprintf("routers %q and %q have the same priority %d; %q is tried first, by its name",
		first.Name, second.Name, first.Priority, first.Name)
	r.warnOnce("priority", message, "give one of them a higher priority")
}

var pathMatcher = regexp.MustCompile("(?i)\\b(path|pathprefix)\\s*\\(\\s*[`\"]([^`\"]*)[`\"]\\s*\\)")

// onlyPath is the one literal path of a rule that is a plain conjunction, or empty.
func onlyPath(rule string) string {
	found := pathMatcher.FindAllStringSubmatch(rule, 2)
	if len(found) != 1 || strings.ContainsAny(rule, "|!") {
		return ""
	}
	return found[0][2]
}

// disjoint reports whether no path starts with both.
func disjoint(p, q string) bool {
	return p != "" && q != "" && !strings.HasPrefix(p, q) && !strings.HasPrefix(q, p)
}
