package observe

import (
	"cmp"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
)

// Alive names what is configured. Series of all else leave the metrics.
type Alive struct {
	EntryPoints, Routers, Services map[string]bool
}

// owner is what series belong to: an entrypoint, a router with its service, or a
// service.
type owner struct{ name, service string }

func (a *Alive) has(k kind, o owner) bool {
	switch k {
	case ofEntryPoint:
		return a.EntryPoints[o.name]
	case ofRouter:
		return a.Routers[o.name] && a.Services[o.service]
	default:
		return a.Services[o.name]
	}
}

// owner is whom the cell's series of a kind belong to.
func (c *seriesKey) owner(k kind) owner {
	switch k {
	case ofEntryPoint:
		return owner{name: c.entrypoint}
	case ofRouter:
		return owner{c.router, c.service}
	default:
		return owner{name: cmp.Or(c.asked, c.service)}
	}
}

// lives reports whether all that the cell names is there.
func (a *Alive) lives(c *seriesKey) bool {
	return a.EntryPoints[c.entrypoint] && (c.router == "" || a.has(ofRouter, c.owner(ofRouter)) && a.has(ofService, c.owner(ofService)))
}

// index finds the series of an owner. Whoever holds counters.mu may use it.
type index [kinds]map[owner]*series

// series are the label values of an owner's, each by all of them joined.
type series struct{ plain, requests, secure map[string][]string }

func (x *index) add(k kind, c *seriesKey, own []string) {
	o := c.owner(k)
	s := x[k][o]
	if s == nil {
		s = &series{map[string][]string{}, map[string][]string{}, map[string][]string{}}
		if x[k] == nil {
			x[k] = map[owner]*series{}
		}
		x[k][o] = s
	}
	note := func(to map[string][]string, values []string) {
		if values != nil {
			to[strings.Join(values, separator)] = values
		}
	}
	note(s.plain, c.labels(own))
	note(s.requests, c.requestLabels(own))
	note(s.secure, c.secureLabels(own))
}

// dead are the owners that are not alive.
func (x *index) dead(a *Alive) (list [kinds][]owner) {
	for k := range x {
		for o := range x[k] {
			if !a.has(kind(k), o) {
				list[k] = append(list[k], o)
			}
		}
	}
	return list
}

func (s *labelSet) forget(of *series) {
	for _, values := range of.plain {
		s.received.DeleteLabelValues(values...)
		s.sent.DeleteLabelValues(values...)
		s.duration.DeleteLabelValues(values...)
	}
	for _, values := range of.requests {
		s.requests.DeleteLabelValues(values...)
	}
	for _, values := range of.secure {
		s.secure.DeleteLabelValues(values...)
	}
}

// keep takes over what is alive from now on.
func (m *metrics) keep(alive func() *Alive) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive = alive
}

// Scrape reads the metrics for who keeps them. What is not configured any more is
// reported once, and removed, as Traefik does; a request that ends later brings it
// back for one more time.
func (m *metrics) Scrape() ([]*dto.MetricFamily, error) {
	n := m.current.Load()
	dead := m.dead(n)
	families, err := n.registry.Gather()
	m.forget(n, dead)
	return families, err
}

func (m *metrics) dead(n *counters) [kinds][]owner {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.alive == nil {
		return [kinds][]owner{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.index.dead(m.alive())
}

// forget removes the series of those that are still not alive.
func (m *metrics) forget(n *counters, dead [kinds][]owner) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.alive == nil {
		return
	}
	alive := m.alive()
	n.forget(alive, dead)
	if f, ok := m.took.(interface {
		Forget(func(attribute.Set) bool)
	}); ok {
		f.Forget(alive.gone)
	}
}

func (n *counters) forget(a *Alive, dead [kinds][]owner) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for k, owners := range dead {
		for _, o := range owners {
			if a.has(kind(k), o) {
				continue
			}
			if s := n.index[k][o]; s != nil && n.scopes[k] != nil {
				n.scopes[k].forget(s)
			}
			delete(n.index[k], o)
			n.forgetTotals(a, kind(k), o)
		}
	}
	// Their counters are in no metric any more: who comes back gets new ones.
	n.cellsMu.RLock()
	var gone []seriesKey
	for c := range n.cells {
		if !a.lives(&c) {
			gone = append(gone, c)
		}
	}
	n.cellsMu.RUnlock()
	n.cellsMu.Lock()
	defer n.cellsMu.Unlock()
	for _, c := range gone {
		delete(n.cells, c)
	}
	for i := range n.recent {
		n.recent[i].Store(nil)
	}
}

// forgetTotals removes what is counted for a router or a service alone.
func (n *counters) forgetTotals(a *Alive, k kind, o owner) {
	switch {
	case k == ofService:
		n.retries.DeleteLabelValues(o.name)
	case k == ofRouter && !a.Routers[o.name]:
		n.faults.DeleteLabelValues(o.name)
	}
	if k == ofRouter && !a.Services[o.service] {
		n.retries.DeleteLabelValues(o.service)
	}
}

// gone reports whether what a set of attributes names is not there any more.
func (a *Alive) gone(set attribute.Set) bool {
	text := func(key attribute.Key) string {
		v, _ := set.Value(key)
		return v.AsString()
	}
	if entry := text(entryPointKey); entry == "" || a.EntryPoints[entry] { // one without is another instrument's, or the overflow
		router := text(routerKey)
		return router != "" && !a.has(ofRouter, owner{router, text(serviceKey)})
	}
	return true
}
