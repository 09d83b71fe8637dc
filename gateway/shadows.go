package gateway

import "fmt"

// maxShadows bounds how many routes before them the routes of a list are compared with, on
// the average; what some do not need, those after them may. That there are more is told.
const maxShadows = 64

// warnShadows adds a warning to each route that never gets a request, because one
// before it takes all that it would match.
func (t *table) warnShadows() {
	for _, p := range t.indexes {
		for _, x := range []*index{&p.plain, &p.secure} {
			anywhere := x.rest.routes()
			for _, buckets := range []map[string]*bucket{x.hosts, x.wild} {
				for _, b := range buckets {
					routes := b.routes()
					warnShadows(routes, routes)
					warnShadows(routes, anywhere)
				}
			}
			warnShadows(anywhere, anywhere)
		}
	}
}

// warnShadows compares routes with those of others that come before them.
func warnShadows(routes, others []*route) {
	left, partly := 0, 0
	var first *route
	for _, r := range routes {
		left += maxShadows
		used, whole := r.warnShadow(others, left)
		if left -= used; whole {
			continue
		}
		if partly++; first == nil {
			first = r
		}
	}
	if first != nil {
		first.noteOnce("rule", fmt.Sprintf("too many routers come before this one and %d others: not all of them are looked at for one "+
			"that takes all that they match", partly-1), "give them hosts of their own")
	}
}

// warnShadow looks at no more than limit of the routes before r for one that takes all
// that r would match. It reports how many it looked at, and whether these were all.
func (r *route) warnShadow(others []*route, limit int) (used int, whole bool) {
	for _, o := range others {
		if o.rank >= r.rank {
			break
		}
		if used == limit {
			return used, false
		}
		used++
		// An entrypoint's redirection is meant to take everything.
		if o.service.internal() || !o.rule.Covers(r.rule) {
			continue
		}
		r.warnOnce("rule", fmt.Sprintf("the router gets no request: %q, of priority %d, takes all that it matches", o.name, o.priority),
			fmt.Sprintf("give it a priority above %d, or narrow the rule of %q", o.priority, o.name))
		break
	}
	return used, true
}
