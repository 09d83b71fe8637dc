package label

import (
	"maps"

	"axion/gateway/config"
)

// Moved is the set where its labels stand some lines further on, at lines. All
// of them stand in one file.
func (s *Set) Moved(by int, lines map[string]int) *Set {
	m := *s
	m.Places = &config.Places{File: s.Places.File, Lines: lines}
	m.Routers = moved(s.Routers, by, func(v *config.Router) *config.Origin { return &v.Origin })
	m.Services = moved(s.Services, by, func(v *config.Service) *config.Origin { return &v.Origin })
	m.Middlewares = moved(s.Middlewares, by, func(v *config.Middleware) *config.Origin { return &v.Origin })
	m.TCP.Routers = moved(s.TCP.Routers, by, func(v *config.TCPRouter) *config.Origin { return &v.Origin })
	m.TCP.Services = moved(s.TCP.Services, by, func(v *config.TCPService) *config.Origin { return &v.Origin })
	m.TCP.Middlewares = moved(s.TCP.Middlewares, by, func(v *config.TCPMiddleware) *config.Origin { return &v.Origin })
	m.UDP.Routers = moved(s.UDP.Routers, by, func(v *config.UDPRouter) *config.Origin { return &v.Origin })
	m.UDP.Services = moved(s.UDP.Services, by, func(v *config.UDPService) *config.Origin { return &v.Origin })
	m.TLSStores = moved(s.TLSStores, by, func(v *config.TLSStore) *config.Origin { return &v.Origin })
	m.Problems = append([]config.Problem(nil), s.Problems...)
	for i := range m.Problems {
		if m.Problems[i].Line > 0 {
			m.Problems[i].Line += by
		}
	}
	return &m
}

func moved[V any](all map[string]*V, by int, origin func(*V) *config.Origin) map[string]*V {
	out := maps.Clone(all)
	for name, v := range out {
		c := *v
		if o := origin(&c); o.Line > 0 {
			o.Line += by
		}
		out[name] = &c
	}
	return out
}
