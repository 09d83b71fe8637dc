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

// maxTies bounds how many neighbours a route is compared with.
const maxTies = 32

// warnTies looks at routes in the order of trial, in which ties are neighbours.
func warnTies(routes []*route) {
	paths := make([]string, len(routes))
	for i, r := range routes {
		paths[i] = onlyPath(r.rule.String())
	}
	for i, a := range routes {
		for j := i + 1; j < min(len(routes), i+maxTies); j++ {
			b := routes[j]
			if a.priority != b.priority || a.config.Origin.Layer != b.config.Origin.Layer {
				break
			}
			if apart(paths[i], paths[j]) {
				continue
			}
			a.warnTie(a, b)
			b.warnTie(a, b)
		}
	}
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
