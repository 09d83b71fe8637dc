package provider

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"axion/gateway/config"
	"axion/gateway/label"
)

// suffix qualifies names that come from labels.
const suffix = "@docker"

// merge makes one configuration of the documents in force. A compose service
// in a higher layer replaces those of its name below.
func merge(docs []*document) *config.Dynamic {
	top := map[string]int{}
	for _, doc := range docs {
		for name := range doc.services {
			top[name] = max(top[name], doc.layer)
		}
	}
	m := &merger{out: &config.Dynamic{Routers: map[string]*config.Router{}, Middlewares: map[string]*config.Middleware{}}}
	for _, doc := range docs {
		for _, name := range slices.Sorted(maps.Keys(doc.services)) {
			if set := doc.services[name]; doc.layer == top[name] {
				m.add(set)
			}
		}
	}
	m.out.Services = pick(m, "service", m.services, mergeServers)
	m.wares = pick(m, "middleware", m.middlewares, sameWare)
	for name, w := range m.wares {
		if w.unsupported == "" && !w.skipped {
			m.out.Middlewares[name] = &w.Middleware
		}
	}
	for name, r := range pick(m, "router", m.routers, sameRouter) {
		if r := m.link(name, r); r != nil {
			m.out.Routers[name] = r
		}
	}
	slices.SortStableFunc(m.out.Problems, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	return m.out
}

// merger collects the definitions of each name.
type merger struct {
	out         *config.Dynamic
	routers     []definition[config.Router]
	services    []definition[config.Service]
	middlewares []definition[ware]
	wares       map[string]*ware // the middlewares that were picked
}

// ware is a middleware, or why there is none.
type ware struct {
	config.Middleware
	unsupported string
	skipped     bool
}

// place is where a name was defined.
type place struct {
	name   string
	origin config.Origin
}

// definition is what a name was defined as.
type definition[T any] struct {
	place
	value *T
}

func (m *merger) add(s *label.Set) {
	m.out.Problems = append(m.out.Problems, s.Problems...)
	for name, r := range s.Routers {
		m.routers = append(m.routers, definition[config.Router]{place{name + suffix, r.Origin}, r})
	}
	for name, v := range s.Services {
		m.services = append(m.services, definition[config.Service]{place{name + suffix, v.Origin}, v})
	}
	for name, w := range s.Middlewares {
		m.middlewares = append(m.middlewares, definition[ware]{place{name + suffix, w.Origin}, &ware{Middleware: *w}})
	}
	for name, why := range s.Unsupported {
		m.middlewares = append(m.middlewares, definition[ware]{place{name + suffix, s.Origin}, &ware{unsupported: why}})
	}
	for name := range s.Skipped {
		m.middlewares = append(m.middlewares, definition[ware]{place{name + suffix, s.Origin}, &ware{skipped: true}})
	}
}

// pick takes each name's definition from the highest layer that has one. Where
// several there do not agree, join decides; none is taken if it returns nil.
func pick[T any](m *merger, kind string, defs []definition[T], join func(a, b *T) *T) map[string]*T {
	slices.SortStableFunc(defs, func(a, b definition[T]) int {
		return cmp.Or(cmp.Compare(a.name, b.name), b.origin.Layer-a.origin.Layer,
			cmp.Compare(a.origin.File, b.origin.File), cmp.Compare(a.origin.Service, b.origin.Service))
	})
	out := map[string]*T{}
	for len(defs) > 0 {
		first, value := defs[0], defs[0].value
		n, places := 0, []place(nil)
		for ; n < len(defs) && defs[n].name == first.name; n++ {
			if defs[n].origin.Layer < first.origin.Layer {
				m.problem(config.Warning, first.origin, fmt.Sprintf("the %s %q replaces that of service %q in %s",
					kind, bare(first.name), defs[n].origin.Service, defs[n].origin.File), "")
				continue
			}
			if places = append(places, defs[n].place); n > 0 && value != nil {
				value = join(value, defs[n].value)
			}
		}
		if value != nil {
			out[first.name] = value
		} else {
			m.conflict(kind, places)
		}
		defs = defs[n:]
	}
	return out
}
