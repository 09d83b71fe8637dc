package provider

import (
	"fmt"
	"maps"
	"slices"

	"axion/gateway/config"
)

// leaveOut removes the routers that need a middleware which cannot be built, by
// itself or through a chain: without it they would serve what they must not.
func (m *merger) leaveOut(merged map[string]*mergedMiddleware) {
	refused := map[string]string{} // middlewares that cannot be, and why
	for name, w := range merged {
		if w.unsupported != "" {
			refused[name] = w.unsupported
		}
	}
	if len(refused) == 0 {
		return
	}
	for again := true; again; {
		again = false
		for name, w := range m.out.Middlewares {
			if w.Chain == nil || refused[name] != "" {
				continue
			}
			for _, link := range w.Chain.Middlewares {
				if why := refused[link]; why != "" {
					refused[name], again = why, true
				}
			}
		}
	}
	m.leaveOutServices(refused)
	for _, name := range slices.Sorted(maps.Keys(m.out.Routers)) {
		r := m.out.Routers[name]
		for _, ref := range r.Middlewares {
			if why := refused[ref]; why != "" {
				m.problem(config.Error, r.Origin, fmt.Sprintf("the router %q is left out: its middleware %q needs %s, which is not supported",
					bare(name), bare(ref), why), "remove the middleware from the router")
				delete(m.out.Routers, name)
				break
			}
		}
	}
}

// leaveOutServices removes the services that need such a middleware, and with them
// what they serve.
func (m *merger) leaveOutServices(refused map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(m.out.Services)) {
		s := m.out.Services[name]
		for _, ref := range s.Middlewares {
			if why := refused[ref]; why != "" {
				m.problem(config.Error, s.Origin, fmt.Sprintf("the service %q is left out: its middleware %q needs %s, which is not supported",
					bare(name), bare(ref), why), "remove the middleware from the service")
				delete(m.out.Services, name)
				break
			}
		}
	}
}
