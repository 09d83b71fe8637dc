package gateway

import (
	"fmt"
	"regexp"
	"strings"
)

// warnTies adds a warning to each pair of routes that can take the same request
// and that nothing but their names puts in order.
func (t *table) warnTies() {
	for _, p := range t.indexes {
		for _, x := range []*index{&p.plain, &p.secure} {
			for _, buckets := range []map[string]*bucket{x.hosts, x.wild} {
				for _, b := range buckets {
					warnTies(b.routes())
				}
			}
			warnTies(x.rest.routes())
		}
	}
}

const (
	// maxTies bounds how many ties of one route are named; that there are more is told.
	maxTies = 32
	// maxTieChecks bounds how many pairs of one list are compared; that there are more
	// is told.
	maxTieChecks = 1 << 18
)

// warnTies looks at routes in the order of trial, in which ties are neighbours.
func warnTies(routes []*route) {
	if len(routes) < 2 {
		return
	}
	paths := make([]string, len(routes))
	for i, r := range routes {
		paths[i] = onlyPath(r.rule.String())
	}
	checks := 0
	for i, a := range routes {
		ties := 0
		for j := i + 1; j < len(routes) && a.tiedBy(routes[j]); j++ {
			if checks++; checks > maxTieChecks {
				a.noteOnce("priority", fmt.Sprintf("too many routers have the same priority %d: not all of them are compared", a.priority),
					"give them priorities of their own, or longer rules")
				return
			}
			if apart(paths[i], paths[j]) {
				continue
			}
			if ties++; ties <= maxTies {
				a.warnTie(a, routes[j])
				routes[j].warnTie(a, routes[j])
			}
		}
		if ties > maxTies {
			a.warnOnce("priority", fmt.Sprintf("%d more routers have the same priority %d as %q, and are tried after it", ties-maxTies,
				a.priority, a.name), "give one of them a higher priority")
		}
	}
}

// tiedBy reports whether nothing but names puts two routes in order.
func (r *route) tiedBy(other *route) bool {
	return r.priority == other.priority && r.config.Origin.Layer == other.config.Origin.Layer
}

func (r *route) warnTie(first, second *route) {
	message := fmt.Sprintf("routers %q and %q have the same priority %d; %q is tried first, by its name",
		first.name, second.name, first.priority, first.name)
	r.warnOnce("priority", message, "give one of them a higher priority")
}

var pathLiteral = regexp.MustCompile("(?i)\\b(path|pathprefix)\\s*\\(\\s*[`\"]([^`\"]*)[`\"]\\s*\\)")

// onlyPath is the one literal path of a rule that is a plain conjunction, or empty.
func onlyPath(rule string) string {
	found := pathLiteral.FindAllStringSubmatch(rule, 2)
	if len(found) != 1 || strings.ContainsAny(rule, "|!") {
		return ""
	}
	return found[0][2]
}

// apart reports whether no path starts with both.
func apart(p, q string) bool {
	return p != "" && q != "" && !strings.HasPrefix(p, q) && !strings.HasPrefix(q, p)
}
