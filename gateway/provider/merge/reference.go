package merge

import (
	"maps"
	"strings"

	"axion/gateway/config"
)

// qualify gives a name its provider, unless it has one. An empty one stays empty.
func qualify(name, provider string) string {
	if name == "" || strings.Contains(name, "@") {
		return name
	}
	return name + "@" + provider
}

// shared is qualify for names of which "default" is everybody's.
func shared(name, provider string) string {
	if name == "default" {
		return name
	}
	return qualify(name, provider)
}

func qualifyAll(names []string, provider string) []string {
	if len(names) == 0 {
		return nil
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = qualify(name, provider)
	}
	return out
}

// written keeps what qualifyReferences is about to replace.
func written(d *config.Dynamic) config.Written {
	return config.Written{
		Routers: maps.Clone(d.Routers), Services: maps.Clone(d.Services), Middlewares: maps.Clone(d.Middlewares),
		TCP: config.TCP{Routers: maps.Clone(d.TCP.Routers), Services: maps.Clone(d.TCP.Services)},
		UDP: config.UDP{Routers: maps.Clone(d.UDP.Routers), Services: maps.Clone(d.UDP.Services)},
	}
}

// qualifyReferences qualifies all that one thing says of another. What it changes it copies:
// the originals are those of the documents.
func (m *merger) qualifyReferences(d *config.Dynamic) {
	for name, r := range d.Routers {
		d.Routers[name] = m.memos.routers.of(r, qualifyRouter)
	}
	for name, s := range d.Services {
		d.Services[name] = m.memos.services.of(s, qualifyService)
	}
	for name, w := range d.Middlewares {
		d.Middlewares[name] = m.memos.middlewares.of(w, qualifyMiddleware)
	}
	for name, r := range d.TCP.Routers {
		c, p := *r, r.Origin.Provider
		c.Service, c.Middlewares, c.TLS = qualify(r.Service, p), qualifyAll(r.Middlewares, p), routerTLS(r.TLS, p)
		d.TCP.Routers[name] = &c
	}
	for name, s := range d.TCP.Services {
		c, p := *s, s.Origin.Provider
		if c.LoadBalancer != nil && c.LoadBalancer.ServersTransport != "" {
			lb := *c.LoadBalancer
			lb.ServersTransport = qualify(lb.ServersTransport, p)
			c.LoadBalancer = &lb
		}
		c.Weighted = tcpWeighted(c.Weighted, p)
		d.TCP.Services[name] = &c
	}
	for name, r := range d.UDP.Routers {
		c := *r
		c.Service = qualify(r.Service, r.Origin.Provider)
		d.UDP.Routers[name] = &c
	}
	for name, s := range d.UDP.Services {
		c := *s
		c.Weighted = tcpWeighted(c.Weighted, s.Origin.Provider)
		d.UDP.Services[name] = &c
	}
}

func routerTLS(t *config.RouterTLS, provider string) *config.RouterTLS {
	if t == nil || t.Options == "" {
		return t
	}
	c := *t
	c.Options = shared(t.Options, provider)
	return &c
}

func tcpWeighted(w *config.TCPWeighted, provider string) *config.TCPWeighted {
	if w == nil {
		return nil
	}
	return &config.TCPWeighted{Services: children(w.Services, provider)}
}

func children(list []config.WeightedService, provider string) []config.WeightedService {
	out := make([]config.WeightedService, len(list))
	for i, s := range list {
		out[i] = config.WeightedService{Name: qualify(s.Name, provider), Weight: s.Weight}
	}
	return out
}

func qualifyRouter(r *config.Router) *config.Router {
	c, p := *r, r.Origin.Provider
	c.Service, c.Middlewares, c.TLS = qualify(r.Service, p), qualifyAll(r.Middlewares, p), routerTLS(r.TLS, p)
	return &c
}

func qualifyService(s *config.Service) *config.Service {
	p := s.Origin.Provider
	c := *s
	c.Middlewares = qualifyAll(s.Middlewares, p)
	switch {
	case s.LoadBalancer != nil:
		if s.LoadBalancer.ServersTransport == "" {
			return &c
		}
		lb := *s.LoadBalancer
		lb.ServersTransport = qualify(lb.ServersTransport, p)
		c.LoadBalancer = &lb
	case s.Weighted != nil:
		w := *s.Weighted
		w.Services = children(w.Services, p)
		c.Weighted = &w
	case s.HighestRandomWeight != nil:
		w := *s.HighestRandomWeight
		w.Services = children(w.Services, p)
		c.HighestRandomWeight = &w
	case s.Mirroring != nil:
		m := *s.Mirroring
		m.Service, m.Mirrors = qualify(m.Service, p), append([]config.Mirror(nil), m.Mirrors...)
		for i := range m.Mirrors {
			m.Mirrors[i].Name = qualify(m.Mirrors[i].Name, p)
		}
		c.Mirroring = &m
	case s.Failover != nil:
		f := *s.Failover
		f.Service, f.Fallback = qualify(f.Service, p), qualify(f.Fallback, p)
		c.Failover = &f
	}
	return &c
}

func qualifyMiddleware(w *config.Middleware) *config.Middleware {
	p := w.Origin.Provider
	c := *w
	switch {
	case w.Chain != nil:
		c.Chain = &config.Chain{Middlewares: qualifyAll(w.Chain.Middlewares, p)}
	case w.Errors != nil:
		e := *w.Errors
		e.Service = qualify(e.Service, p)
		c.Errors = &e
	default:
		return w
	}
	return &c
}
