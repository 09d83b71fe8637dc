package routing

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/middleware"
	"axion/gateway/proxy"
)

// maxMiddlewares bounds how deep chains nest and how many middlewares a router has.
const maxMiddlewares = 100

// Middleware is a middleware as built, or why it could not be.
type Middleware struct {
	Name   string
	Wrap   middleware.Middleware
	Config config.Middleware // without origin
	Err    error
}

// addMiddlewares gives r its middlewares, those of chains in their place.
func (b *serviceBuilder) addMiddlewares(r *Router, names []string, within map[string]bool) {
	for _, m := range names {
		c, ok := b.Dynamic.Middlewares[m]
		switch {
		case !ok:
			r.refuse("middlewares", fmt.Sprintf("middleware %q does not exist", m), config.DidYouMean(m, b.Dynamic.Middlewares))
			continue
		case len(r.Middlewares) >= maxMiddlewares || len(within) >= maxMiddlewares:
			r.refuse("middlewares", fmt.Sprintf("the router has more than %d middlewares", maxMiddlewares), "")
			return
		case c.Chain != nil && within[m]:
			r.refuse("middlewares", fmt.Sprintf("the chain %q leads back to itself", m), "remove it from its own middlewares")
			continue
		case c.Chain != nil:
			inner := map[string]bool{m: true}
			for outer := range within {
				inner[outer] = true
			}
			b.addMiddlewares(r, c.Chain.Middlewares, inner)
			continue
		}
		w := b.middleware(r.Name, m, c)
		if w.Err != nil {
			r.refuse("middlewares", fmt.Sprintf("middleware %q: %v", m, w.Err), hint.Of(w.Err))
			b.locateError(r, c.Origin, "http.middlewares."+config.BareName(m), w.Err)
		}
		r.Middlewares = append(r.Middlewares, w)
	}
}

// addServiceMiddlewares gives s its own middlewares. All routers share them.
func (b *serviceBuilder) addServiceMiddlewares(name string, s *Service, o config.Origin) {
	if s.Err != nil || len(s.Config.Middlewares) == 0 {
		return
	}
	r := &Router{Name: "service:" + name, Config: &config.Router{Origin: o}} // apart from a router of that name
	b.addMiddlewares(r, s.Config.Middlewares, nil)
	for _, f := range r.Findings {
		s.Err = &hintError{error: errors.New(f.Message), hint: f.Hint, label: "traefik.http.services." + config.BareName(name) + "." + f.Field}
		return
	}
	s.Middlewares = r.Middlewares
}

// wrapService puts middlewares before a service; what they answer is the service's.
func wrapService(wares []*Middleware, s proxy.Service) proxy.Service {
	if len(wares) == 0 || s == nil {
		return s
	}
	var h http.Handler = s
	for _, w := range slices.Backward(wares) {
		h = w.Wrap(h)
	}
	return wrappedService{s, h}
}

// wrappedService is a service behind its middlewares.
type wrappedService struct {
	proxy.Service
	handler http.Handler
}

func (d wrappedService) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// middleware builds a middleware. Each router has its own, so that a rate limit counts
// for each router apart, as in Traefik; an unchanged one is the old table's, so
// that the counts of clients outlive a reload.
func (b *serviceBuilder) middleware(router, name string, c *config.Middleware) *Middleware {
	w := &Middleware{Name: name, Config: *c}
	w.Config.Origin = config.Origin{}
	if c.Errors != nil {
		if _, err := b.errorPages(c.Errors.Service); err != nil {
			w.Err = err
			return w
		}
	}
	if w.Err = b.refuseAuth(c); w.Err != nil {
		return w
	}
	key := [2]string{router, name}
	if was := b.old.Middlewares[key]; was != nil && was.Err == nil && reflect.DeepEqual(was.Config, w.Config) {
		w = was
	} else {
		env := b.deps.Middleware
		env.Service = b.errorPages
		w.Wrap, w.Err = middleware.Build(c, env)
	}
	b.Middlewares[key] = w
	return w
}

// errorPages is the handler of a service that a middleware names. It finds the service
// anew for each request: the middleware may outlive it.
func (b *serviceBuilder) errorPages(name string) (http.Handler, error) {
	s := b.service(name)
	switch {
	case s == nil:
		return nil, &hintError{error: fmt.Errorf("the service %q does not exist", name), hint: b.meantService(name)}
	case s.Err != nil:
		return nil, fmt.Errorf("the service %q: %w", name, s.Err)
	}
	current := b.deps.Current
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := current().Services[name]
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
