package gateway

import (
	"maps"
	"slices"

	"axion/gateway/config"
)

// isSteady reports whether all that routers depend on beside what they name is as it was
// for the old table: entrypoints, TLS options, and where the stack listens. Then what was
// sound and did not change is taken over as it is, without a look at it: it is told by
// its pointer, which the provider keeps.
func (b *builder) isSteady() bool {
	was, now := b.old.dynamic, b.dynamic
	return was != nil && was.Static == now.Static && slices.Equal(b.own, b.old.own) &&
		maps.Equal(was.TLS.Options, now.TLS.Options) && (len(was.TLS.Certificates) > 0) == (len(now.TLS.Certificates) > 0)
}

// takeOver begins the routes with those of the old table that did not change, which
// are in the order of trial. What is only looked at does without them: nothing is to be
// said of them.
func (b *builder) takeOver() {
	if !b.steady {
		return
	}
	var kept []*route
	entries := 0
	for _, was := range b.old.routes {
		c := b.dynamic.Routers[was.name]
		if c == nil || c != was.config || !was.clean || !b.sameWares(c.Middlewares) || b.service(c.Service) != was.service {
			continue
		}
		kept = append(kept, was)
		entries += len(was.entries)
		b.named[was.name] = was
	}
	if b.dry && !b.dynamic.Static.StrictTLSOptions {
		return
	}
	b.routes = make([]*route, 0, len(b.dynamic.Routers))
	b.middlewares = make(map[[2]string]*ware, len(b.old.middlewares))
	routes, places := make([]route, len(kept)), make([]entry, 0, entries)
	for i, was := range kept {
		places = append(places, was.entries...)
		from := len(places) - len(was.entries)
		r := &routes[i]
		*r = route{name: was.name, config: was.config, rule: was.rule, priority: was.priority, entries: places[from:len(places):len(places)],
			service: was.service, wares: was.wares, ready: true, clean: true}
		for _, w := range r.wares {
			b.middlewares[[2]string{r.name, w.name}] = w
		}
		b.add(r)
	}
	b.arranged = len(b.routes)
}

// sameWares reports whether the middlewares of these names, and those that chains among
// them name, are as they were in the old table.
func (b *builder) sameWares(names []string) bool {
	for _, name := range names {
		c := b.dynamic.Middlewares[name]
		switch {
		case c == nil || c != b.old.dynamic.Middlewares[name]:
			return false
		case c.Chain != nil && !b.sameWares(c.Chain.Middlewares):
			return false
		case c.Errors != nil && (b.old.services[c.Errors.Service] == nil || b.service(c.Errors.Service) != b.old.services[c.Errors.Service]):
			return false
		}
	}
	return true
}

// sameService is the old table's service of that name, if it balances over servers and
// nothing of it changed, else nil.
func (b *builder) sameService(name string, c *config.Service) *service {
	was := b.old.services[name]
	if !b.steady || was == nil || was.err != nil || was.bare == nil || c != b.old.dynamic.Services[name] ||
		c.LoadBalancer == nil || len(c.Middlewares) > 0 || was.transport != b.transport(c.LoadBalancer.ServersTransport) {
		return nil
	}
	return was
}

// isClean reports whether nothing at all is to be said of r, and no entrypoint has a part
// in its handlers.
func (r *route) isClean() bool {
	return r.ready && len(r.findings) == 0 &&
		!slices.ContainsFunc(r.entries, func(e entry) bool { return len(e.config.HTTP.Middlewares) > 0 })
}
