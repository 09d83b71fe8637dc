package routing

import (
	"maps"
	"slices"

	"axion/gateway/config"
)

// canReuse reports whether all that routers depend on beside what they name is as it was
// for the old table: entrypoints, TLS options, and where the stack listens. Then what was
// sound and did not change is taken over as it is, without a look at it: it is known by
// its pointer, which the provider keeps.
func (b *state) canReuse() bool {
	was, now := b.old.Dynamic, b.Dynamic
	return was != nil && was.Static == now.Static && slices.Equal(b.own, b.old.own) &&
		maps.Equal(was.TLS.Options, now.TLS.Options) && (len(was.TLS.Certificates) > 0) == (len(now.TLS.Certificates) > 0)
}

// reuseRouters begins the routers with those of the old table that did not change, which
// are in the order of trial. What is only looked at does without them: nothing is to be
// said of them.
func (b *builder) reuseRouters() {
	if !b.reuse {
		return
	}
	var kept []*Router
	entries := 0
	for _, was := range b.old.Routers {
		c := b.Dynamic.Routers[was.Name]
		if c == nil || c != was.Config || !was.clean || !b.sameMiddlewares(c.Middlewares) || b.service(c.Service) != was.Service {
			continue
		}
		kept = append(kept, was)
		entries += len(was.EntryPoints)
		b.routersByName[was.Name] = was
	}
	if b.dry && !b.Dynamic.Static.StrictTLSOptions {
		return
	}
	b.Routers = make([]*Router, 0, len(b.Dynamic.Routers))
	b.Middlewares = make(map[[2]string]*Middleware, len(b.old.Middlewares))
	routers, places := make([]Router, len(kept)), make([]RouterEntryPoint, 0, entries)
	for i, was := range kept {
		places = append(places, was.EntryPoints...)
		from := len(places) - len(was.EntryPoints)
		r := &routers[i]
		*r = Router{Name: was.Name, Config: was.Config, Rule: was.Rule, Priority: was.Priority, EntryPoints: places[from:len(places):len(places)],
			Service: was.Service, Middlewares: was.Middlewares, Ready: true, clean: true}
		for _, w := range r.Middlewares {
			b.Middlewares[[2]string{r.Name, w.Name}] = w
		}
		b.add(r)
	}
	b.ordered = len(b.Routers)
}

// sameMiddlewares reports whether the middlewares of these names, and those that chains among
// them name, are as they were in the old table.
func (b *serviceBuilder) sameMiddlewares(names []string) bool {
	for _, name := range names {
		c := b.Dynamic.Middlewares[name]
		switch {
		case c == nil || c != b.old.Dynamic.Middlewares[name]:
			return false
		case c.Chain != nil && !b.sameMiddlewares(c.Chain.Middlewares):
			return false
		case c.Errors != nil && (b.old.Services[c.Errors.Service] == nil || b.service(c.Errors.Service) != b.old.Services[c.Errors.Service]):
			return false
		}
	}
	return true
}

// reusableService is the old table's service of that name, if it balances over servers and
// nothing of it changed, else nil.
func (b *serviceBuilder) reusableService(name string, c *config.Service) *Service {
	was := b.old.Services[name]
	if !b.reuse || was == nil || was.Err != nil || was.unwrapped == nil || c != b.old.Dynamic.Services[name] ||
		c.LoadBalancer == nil || len(c.Middlewares) > 0 || was.transport != b.transport(c.LoadBalancer.ServersTransport) {
		return nil
	}
	return was
}

// isClean reports whether nothing at all is to be said of r, and no entrypoint has a part
// in its handlers.
func (r *Router) isClean() bool {
	return r.Ready && len(r.Findings) == 0 &&
		!slices.ContainsFunc(r.EntryPoints, func(e RouterEntryPoint) bool { return len(e.Config.HTTP.Middlewares) > 0 })
}
