package routing

import "fmt"

// maxCovers bounds how many routers before them the routers of a list are compared with, on
// the average; what some do not need, those after them may. That there are more is reported.
const maxCovers = 64

// warnUnreachable adds a warning to each router that never gets a request, because one
// before it takes all that it would match.
func (t *Table) warnUnreachable() {
	for _, p := range t.indexes {
		for _, x := range []*Index{&p.plain, &p.secure} {
			anywhere := x.catchAll.routers()
			for _, buckets := range []map[string]*bucket{x.Hosts, x.wildcards} {
				for _, b := range buckets {
					routers := b.routers()
					warnUnreachableOf(routers, routers)
					warnUnreachableOf(routers, anywhere)
				}
			}
			warnUnreachableOf(anywhere, anywhere)
		}
	}
}

// warnUnreachableOf compares routers with those of others that come before them.
func warnUnreachableOf(routers, others []*Router) {
	left, partly := 0, 0
	var first *Router
	for _, r := range routers {
		left += maxCovers
		used, whole := r.warnIfCovered(others, left)
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

// warnIfCovered looks at no more than limit of the routers before r for one that takes all
// that r would match. It reports how many it looked at, and whether these were all.
func (r *Router) warnIfCovered(others []*Router, limit int) (used int, whole bool) {
	for _, o := range others {
		if o.rank >= r.rank {
			break
		}
		if used == limit {
			return used, false
		}
		used++
		// An entrypoint's redirection is meant to take everything.
		if o.Service.IsInternal() || !o.Rule.Covers(r.Rule) {
			continue
		}
		r.warnOnce("rule", fmt.Sprintf("the router gets no request: %q, of priority %d, takes all that it matches", o.Name, o.Priority),
			fmt.Sprintf("give it a priority above %d, or narrow the rule of %q", o.Priority, o.Name))
		break
	}
	return used, true
}
