package gateway

import (
	"slices"
	"strings"

	"axion/gateway/rule"
)

// index finds routes by host and path, so that a request costs the same however
// many routes there are. Only HostRegexp, PathRegexp and rules without host or
// path are tried one by one. All lists are in the order of trial.
type index struct {
	hosts map[string]*bucket // by name
	wild  map[string]*bucket // by what follows the first label of the name
	rest  bucket             // routes for which any host will do
}

// bucket holds the routes of one host by path.
type bucket struct {
	exact    map[string][]*route
	prefixes map[string][]*route
	lengths  []int    // of the prefixes, ascending
	others   []*route // of any path
}

// add puts r, which comes after all that were added before.
func (x *index) add(r *route) {
	for _, s := range r.rule.Selectors() {
		x.bucket(s.Host).add(s, r)
	}
}

func (x *index) bucket(host string) *bucket {
	at := &x.hosts
	if host == "" {
		return &x.rest
	}
	if suffix, ok := strings.CutPrefix(host, "*."); ok {
		host, at = suffix, &x.wild
	}
	if *at == nil {
		*at = make(map[string]*bucket)
	}
	b := (*at)[host]
	if b == nil {
		b = &bucket{}
		(*at)[host] = b
	}
	return b
}

func (b *bucket) add(s rule.Selector, r *route) {
	switch {
	case s.Exact:
		put(&b.exact, s.Path, r)
	case len(s.Path) > 1:
		put(&b.prefixes, s.Path, r)
		if i, ok := slices.BinarySearch(b.lengths, len(s.Path)); !ok {
			b.lengths = slices.Insert(b.lengths, i, len(s.Path))
		}
	default:
		b.others = appendOnce(b.others, r)
	}
}

func put(to *map[string][]*route, path string, r *route) {
	if *to == nil {
		*to = make(map[string][]*route)
	}
	(*to)[path] = appendOnce((*to)[path], r)
}

// appendOnce passes over a route that several selectors lead to.
func appendOnce(list []*route, r *route) []*route {
	if len(list) > 0 && list[len(list)-1] == r {
		return list
	}
	return append(list, r)
}

// find is the first route that matches req, or nil.
func (x *index) find(req *rule.Request) *route {
	best := x.rest.find(req, nil)
	if b := x.hosts[req.Host]; b != nil {
		best = b.find(req, best)
	}
	if len(x.wild) > 0 {
		if _, above, ok := strings.Cut(req.Host, "."); ok {
			if b := x.wild[above]; b != nil {
				best = b.find(req, best)
			}
		}
	}
	return best
}

// find is best, or a route of b that comes before it and matches.
func (b *bucket) find(req *rule.Request, best *route) *route {
	best = first(b.others, req, best)
	if b.exact != nil {
		best = first(b.exact[req.Path], req, best)
	}
	for _, n := range b.lengths {
		if n > len(req.Path) {
			break
		}
		best = first(b.prefixes[req.Path[:n]], req, best)
	}
	return best
}

func first(list []*route, req *rule.Request, best *route) *route {
	for _, r := range list {
		if best != nil && r.rank >= best.rank {
			break
		}
		if r.rule.Match(req) {
			return r
		}
	}
	return best
}

// asksFor reports whether a route's rule names host, which is as [hostname.Name]
// gives it.
func (x *index) asksFor(host string) bool {
	if b := x.hosts[host]; b != nil && b.asksFor(host) {
		return true
	}
	_, above, _ := strings.Cut(host, ".")
	b := x.wild[above]
	return b != nil && b.asksFor(host) || x.rest.asksFor(host)
}

func (b *bucket) asksFor(host string) bool {
	asks := func(r *route) bool { return r.rule.AllowsHost(host) }
	if slices.ContainsFunc(b.others, asks) {
		return true
	}
	for _, paths := range []map[string][]*route{b.exact, b.prefixes} {
		for _, routes := range paths {
			if slices.ContainsFunc(routes, asks) {
				return true
			}
		}
	}
	return false
}

// routes are those of every path, in the order of trial. The list must not be changed.
func (b *bucket) routes() []*route {
	if len(b.exact)+len(b.prefixes) == 0 {
		return b.others
	}
	list := slices.Clone(b.others)
	for _, paths := range []map[string][]*route{b.exact, b.prefixes} {
		for _, routes := range paths {
			list = append(list, routes...)
		}
	}
	slices.SortFunc(list, func(a, b *route) int { return a.rank - b.rank })
	return slices.Compact(list)
}

// takes reports whether there is any route.
func (b *bucket) takes() bool { return len(b.others)+len(b.exact)+len(b.prefixes) > 0 }
