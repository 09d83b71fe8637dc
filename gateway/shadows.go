package gateway

import "fmt"

// maxShadows bounds how many routes before it a route is compared with.
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
	for _, r := range routes {
		for _, o := range others[:min(len(others), maxShadows)] {
			if o.rank >= r.rank {
				break
			}
			// An entrypoint's redirection is meant to take everything.
			if o.service.internal() || !o.rule.Covers(r.rule) {
				continue
			}
			r.warnOnce("rule", fmt.Sprintf("the router gets no request: %q, of priority %d, takes all that it matches", o.name, o.priority),
				fmt.Sprintf("give it a priority above %d, or narrow the rule of %q", o.priority, o.name))
			break
		}
	}
}
