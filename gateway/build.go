package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/middleware"
	"axion/gateway/proxy"
	"axion/gateway/rule"
)

// noop answers for routers whose middlewares answer every request themselves.
const noop = "noop@internal"

// balancer is a service as built, or why it could not be.
type balancer struct {
	*proxy.Balancer
	config *config.LoadBalancer
	err    error
}

func (b *balancer) describe() []Server {
	list := []Server{}
	if b.Balancer == nil {
		return list
	}
	for _, s := range b.Servers() {
		list = append(list, Server{URL: s.URL, Status: status(s.Up)})
	}
	return list
}

func status(up bool) string {
	if up {
		return "UP"
	}
	return "DOWN"
}

// ware is a middleware as built, or why it could not be.
type ware struct {
	wrap   middleware.Middleware
	config config.Middleware // without origin
	err    error
}

// build makes a table of d. What is unchanged since old is taken from there, so
// that the health of servers and the counts of clients outlive a reload.
func (g *Gateway) build(d *config.Dynamic, old *table) *table {
	if old == nil {
		old = &table{}
	}
	t := &table{
		dynamic:     d,
		balancers:   make(map[string]*balancer),
		middlewares: make(map[[2]string]*ware),
		replaced:    make(chan struct{}),
	}
	for _, name := range slices.Sorted(maps.Keys(d.Routers)) {
		t.routes = append(t.routes, g.route(name, d.Routers[name], t, old))
	}
	t.arrange()
	t.warnTies()
	for _, r := range t.routes {
		for _, f := range r.findings {
			if p := r.problem(f); !slices.Contains(d.Problems, p) { // check may have told it
				t.problems = append(t.problems, p)
			}
		}
	}
	return t
}

func (g *Gateway) route(name string, c *config.Router, t, old *table) *route {
	r := &route{name: name, config: c, priority: cmp.Or(c.Priority, len(c.Rule))}
	r.enter()
	var err error
	if r.rule, err = rule.Parse(c.Rule); err != nil {
		r.refuse("rule", err.Error(), mend(err))
	} else if r.secure {
		r.warnForeign()
	}
	g.dress(r, t, old)
	handler := g.serviceOf(r, t, old)
	if r.refused() {
		return r
	}
	for _, w := range slices.Backward(r.wares) {
		handler = w.wrap(handler)
	}
	r.handler = handler
	return r
}

// dress gives r its middlewares.
func (g *Gateway) dress(r *route, t, old *table) {
	for _, m := range r.config.Middlewares {
		w := g.ware(r.name, m, t, old)
		if w == nil {
			r.refuse("middlewares", fmt.Sprintf("middleware %q does not exist", m), didYouMean(m, t.dynamic.Middlewares))
			continue
		}
		if w.err != nil {
			r.refuse("middlewares", fmt.Sprintf("middleware %q: %v", m, w.err), mend(w.err))
		}
		r.wares = append(r.wares, w)
	}
}

// enter decides which entrypoints r serves: with TLS the secure one, without it
// the plain one, narrowed by those that the router names.
func (r *route) enter() {
	r.plain, r.secure = r.config.TLS == nil, r.config.TLS != nil
	if len(r.config.EntryPoints) == 0 {
		return
	}
	var plain, secure bool
	for _, e := range r.config.EntryPoints {
		switch e {
		case web:
			plain = true
		case webSecure:
			secure = true
		default:
			r.warn("entrypoints", fmt.Sprintf("entrypoint %q does not exist", e), "the entrypoints are "+web+" and "+webSecure)
		}
	}
	r.plain, r.secure = r.plain && plain, r.secure && secure
	switch {
	case r.plain || r.secure:
	case secure:
		r.refuse("entrypoints", "entrypoint websecure serves HTTPS only, and the router has no tls",
			"add the label traefik.http.routers."+local(r.name)+".tls=true")
	case plain:
		r.refuse("entrypoints", "entrypoint web serves plain HTTP only, and the router has tls",
			"name the entrypoint websecure, or remove the router's tls labels")
	default:
		r.refuse("entrypoints", "none of the router's entrypoints exists", "the entrypoints are "+web+" and "+webSecure)
	}
}

// warnForeign tells of hosts for which the local authority must not vouch.
func (r *route) warnForeign() {
	hosts, _ := r.rule.Hosts()
	for _, h := range hosts {
		if !isLoopback(h) && !strings.HasSuffix(h, ".localhost") {
			r.warn("rule", fmt.Sprintf("no client trusts a local certificate for %q", h), "use a name that ends in .localhost")
		}
	}
}

// serviceOf is the handler of r's service, nil where that cannot be built.
func (g *Gateway) serviceOf(r *route, t, old *table) http.Handler {
	name := r.config.Service
	if name == noop {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	}
	if !r.knowsService(t.dynamic) {
		return nil
	}
	b := g.balancer(name, t.dynamic.Services[name], t, old)
	if b.err != nil {
		r.refuse("service", fmt.Sprintf("service %q: %v", name, b.err), mend(b.err))
		return nil
	}
	r.service = b
	return b
}

// knowsService refuses r where its service does not exist.
func (r *route) knowsService(d *config.Dynamic) bool {
	name := r.config.Service
	if _, ok := d.Services[name]; ok || name == noop {
		return true
	}
	r.refuse("service", fmt.Sprintf("service %q does not exist", name), didYouMean(name, d.Services))
	return false
}

func (g *Gateway) balancer(name string, s *config.Service, t, old *table) *balancer {
	if b, ok := t.balancers[name]; ok {
		return b
	}
	b := &balancer{config: s.LoadBalancer}
	switch was := old.balancers[name]; {
	case s.LoadBalancer == nil:
		b.err = errors.New("has no loadbalancer")
	case was != nil && was.err == nil && reflect.DeepEqual(was.config, s.LoadBalancer):
		b = was
	default:
		b.Balancer, b.err = g.proxy.Balancer(name, s.LoadBalancer)
	}
	t.balancers[name] = b
	return b
}

// ware is nil where no middleware has that name. Each router has its own, so
// that a rate limit counts for each router apart, as in Traefik.
func (g *Gateway) ware(router, name string, t, old *table) *ware {
	m, ok := t.dynamic.Middlewares[name]
	if !ok {
		return nil
	}
	w := &ware{config: *m}
	w.config.Origin = config.Origin{}
	key := [2]string{router, name}
	if was := old.middlewares[key]; was != nil && reflect.DeepEqual(was.config, w.config) {
		w = was
	} else {
		w.wrap, w.err = middleware.Build(m, g.env)
	}
	t.middlewares[key] = w
	return w
}

// mend is the remedy that an error brings along, or empty.
func mend(err error) string {
	var m interface{ Mend() string }
	if errors.As(err, &m) {
		return m.Mend()
	}
	return ""
}

func didYouMean[T any](name string, known map[string]T) string {
	if near := config.Nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// local is a qualified name without its provider.
func local(name string) string {
	name, _, _ = strings.Cut(name, "@")
	return name
}
