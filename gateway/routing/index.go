package routing

import (
	"slices"
	"strings"

	"axion/gateway/rule"
	"axion/gateway/tcp"
)

// Index finds routers by host and path, so that a request costs the same however
// many routers there are. Only HostRegexp, PathRegexp and rules without host or
// path are tried one by one. All lists are in the order of trial.
type Index struct {
	Hosts     map[string]*bucket // by name
	wildcards map[string]*bucket // by what follows the first label of the name
	catchAll  bucket             // routers for which any host will do
}

// bucket holds the routers of one host by path.
type bucket struct {
	exact    map[string][]*Router
	prefixes map[string][]*Router
	lengths  []int     // of the prefixes, ascending
	others   []*Router // of any path
}

// add puts r, which comes after all that were added before.
func (x *Index) add(r *Router) {
	for _, s := range r.Rule.Selectors() {
		x.bucket(s.Host).add(s, r)
	}
}

func (x *Index) bucket(host string) *bucket {
	at := &x.Hosts
	if host == "" {
		return &x.catchAll
	}
	if suffix, ok := strings.CutPrefix(host, "*."); ok {
		host, at = suffix, &x.wildcards
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

func (b *bucket) add(s rule.Selector, r *Router) {
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

func put(to *map[string][]*Router, path string, r *Router) {
	if *to == nil {
		*to = make(map[string][]*Router)
	}
	(*to)[path] = appendOnce((*to)[path], r)
}

// appendOnce passes over a router that several selectors lead to.
func appendOnce(list []*Router, r *Router) []*Router {
	if len(list) > 0 && list[len(list)-1] == r {
		return list
	}
	return append(list, r)
}

// Find is the first router that matches req, or nil.
func (x *Index) Find(req *rule.Request) *Router {
	best := x.catchAll.find(req, nil)
	if b := x.Hosts[req.Host]; b != nil {
		best = b.find(req, best)
	}
	if len(x.wildcards) > 0 {
		if _, above, ok := strings.Cut(req.Host, "."); ok {
			if b := x.wildcards[above]; b != nil {
				best = b.find(req, best)
			}
		}
	}
	return best
}

// find is best, or a router of b that comes before it and matches.
func (b *bucket) find(req *rule.Request, best *Router) *Router {
	best = firstMatch(b.others, req, best)
	if b.exact != nil {
		best = firstMatch(b.exact[req.Path], req, best)
	}
	for _, n := range b.lengths {
		if n > len(req.Path) {
			break
		}
		best = firstMatch(b.prefixes[req.Path[:n]], req, best)
	}
	return best
}

func firstMatch(list []*Router, req *rule.Request, best *Router) *Router {
	for _, r := range list {
		if best != nil && r.rank >= best.rank {
			break
		}
		if r.Rule.Match(req) {
			return r
		}
	}
	return best
}

// hasHost reports whether a router's rule names host, which is as [hostname.Name]
// gives it.
func (x *Index) hasHost(host string) bool {
	if b := x.Hosts[host]; b != nil && b.hasHost(host) {
		return true
	}
	_, above, _ := strings.Cut(host, ".")
	b := x.wildcards[above]
	return b != nil && b.hasHost(host) || x.catchAll.hasHost(host)
}

func (b *bucket) hasHost(host string) bool {
	asks := func(r *Router) bool { return r.Rule.AllowsHost(host) }
	if slices.ContainsFunc(b.others, asks) {
		return true
	}
	for _, paths := range []map[string][]*Router{b.exact, b.prefixes} {
		for _, routers := range paths {
			if slices.ContainsFunc(routers, asks) {
				return true
			}
		}
	}
	return false
}

// routers are those of every path, in the order of trial. The list must not be changed.
func (b *bucket) routers() []*Router {
	if len(b.exact)+len(b.prefixes) == 0 {
		return b.others
	}
	list := slices.Clone(b.others)
	for _, paths := range []map[string][]*Router{b.exact, b.prefixes} {
		for _, routers := range paths {
			list = append(list, routers...)
		}
	}
	slices.SortFunc(list, func(a, b *Router) int { return a.rank - b.rank })
	return slices.Compact(list)
}

// hasRoutes reports whether there is any router.
func (b *bucket) hasRoutes() bool { return len(b.others)+len(b.exact)+len(b.prefixes) > 0 }

// HasRoutes reports whether there is a router.
func (x *Index) HasRoutes() bool { return len(x.Hosts)+len(x.wildcards) > 0 || x.catchAll.hasRoutes() }

// HostClaim is what HTTPS routers want with a host.
func (x *Index) HostClaim(host string) tcp.HostPriority {
	switch {
	case x.hasHost(host):
		return tcp.HostPriorityNamed
	case x.catchAll.hasRoutes():
		return tcp.HostPriorityAny
	}
	return tcp.HostPriorityNone
}
