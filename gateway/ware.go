package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"axion/gateway/config"
	"axion/gateway/middleware"
	"axion/gateway/proxy"
)

// maxChain bounds how deep chains nest and how many middlewares a router has.
const maxChain = 100

// ware is a middleware as built, or why it could not be.
type ware struct {
	name   string
	wrap   middleware.Middleware
	config config.Middleware // without origin
	err    error
}

// dress gives r its middlewares, those of chains in their place.
func (b *builder) dress(r *route, names []string, within map[string]bool) {
	for _, m := range names {
		c, ok := b.dynamic.Middlewares[m]
		switch {
		case !ok:
			r.refuse("middlewares", fmt.Sprintf("middleware %q does not exist", m), didYouMean(m, b.dynamic.Middlewares))
			continue
		case len(r.wares) >= maxChain || len(within) >= maxChain:
			r.refuse("middlewares", fmt.Sprintf("the router has more than %d middlewares", maxChain), "")
			return
		case c.Chain != nil && within[m]:
			r.refuse("middlewares", fmt.Sprintf("the chain %q leads back to itself", m), "remove it from its own middlewares")
			continue
		case c.Chain != nil:
			inner := map[string]bool{m: true}
			for outer := range within {
				inner[outer] = true
			}
			b.dress(r, c.Chain.Middlewares, inner)
			continue
		}
		w := b.ware(r.name, m, c)
		if w.err != nil {
			r.refuse("middlewares", fmt.Sprintf("middleware %q: %v", m, w.err), mend(w.err))
			b.blame(r, c.Origin, "http.middlewares."+local(m), w.err)
		}
		r.wares = append(r.wares, w)
	}
}

// dressService gives s its own middlewares. All routers share them.
func (b *builder) dressService(name string, s *service, o config.Origin) {
	if s.err != nil || len(s.config.Middlewares) == 0 {
		return
	}
	r := &route{name: "service:" + name, config: &config.Router{Origin: o}} // apart from a router of that name
	b.dress(r, s.config.Middlewares, nil)
	for _, f := range r.findings {
		s.err = &mended{error: errors.New(f.message), hint: f.hint, label: "traefik.http.services." + local(name) + "." + f.field}
		return
	}
	s.wares = r.wares
}

// behind puts middlewares before a service; what they answer is the service's.
func behind(wares []*ware, s proxy.Service) proxy.Service {
	if len(wares) == 0 || s == nil {
		return s
	}
	var h http.Handler = s
	for _, w := range slices.Backward(wares) {
		h = w.wrap(h)
	}
	return dressed{s, h}
}

// dressed is a service behind its middlewares.
type dressed struct {
	proxy.Service
	handler http.Handler
}

func (d dressed) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// ware builds a middleware. Each router has its own, so that a rate limit counts
// for each router apart, as in Traefik; an unchanged one is the old table's, so
// that the counts of clients outlive a reload.
func (b *builder) ware(router, name string, c *config.Middleware) *ware {
	w := &ware{name: name, config: *c}
	w.config.Origin = config.Origin{}
	if c.Errors != nil {
		if _, err := b.pages(c.Errors.Service); err != nil {
			w.err = err
			return w
		}
	}
	if w.err = b.refuseAuth(c); w.err != nil {
		return w
	}
	key := [2]string{router, name}
	if was := b.old.middlewares[key]; was != nil && was.err == nil && reflect.DeepEqual(was.config, w.config) {
		w = was
	} else {
		env := b.gateway.env
		env.Service = b.pages
		w.wrap, w.err = middleware.Build(c, env)
	}
	b.middlewares[key] = w
	return w
}

// pages is the handler of a service that a middleware names. It finds the service
// anew for each request: the middleware may outlive it.
func (b *builder) pages(name string) (http.Handler, error) {
	s := b.service(name)
	switch {
	case s == nil:
		return nil, &mended{error: fmt.Errorf("the service %q does not exist", name), hint: b.meantService(name)}
	case s.err != nil:
		return nil, fmt.Errorf("the service %q: %w", name, s.err)
	}
	g := b.gateway
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := g.table.Load().services[name]
		if now == nil {
			now = s // of a table that is just coming
		}
		if now.Service == nil {
			http.Error(w, "no available server", http.StatusServiceUnavailable)
			return
		}
		now.ServeHTTP(w, r)
	}), nil
}
