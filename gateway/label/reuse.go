package label

import (
	"maps"
	"slices"

	"axion/gateway/config"
)

// Decoded is a service with what its labels configure.
type Decoded struct {
	Service Service
	Set     *Set
}

// Reuse is the set where the service has not changed, perhaps stands some lines further
// on; else nil.
func (d Decoded) Reuse(now Service) *Set {
	was := d.Service
	if d.Set == nil || was.File != now.File || was.Project != now.Project || was.RequireEnable != now.RequireEnable ||
		was.DefaultRule != now.DefaultRule || !maps.Equal(was.Labels, now.Labels) || !maps.Equal(was.Files, now.Files) ||
		was.UseBindPortIP != now.UseBindPortIP || was.Stopped != now.Stopped || was.Host != now.Host || was.Layer != now.Layer ||
		!slices.Equal(was.Addresses, now.Addresses) || !slices.Equal(was.Ports, now.Ports) || !slices.Equal(was.Exposed, now.Exposed) ||
		!slices.Equal(was.ExposedUDP, now.ExposedUDP) {
		return nil
	}
	if maps.Equal(was.Lines, now.Lines) {
		return d.Set
	}
	by, known := 0, false
	for key, line := range now.Lines {
		distance := line - was.Lines[key]
		if known && distance != by || len(now.Files) > 0 || len(was.Lines) != len(now.Lines) {
			return nil
		}
		by, known = distance, true
	}
	return d.Set.moved(by, now.Lines)
}

// moved is the set where its labels stand some lines further on, at lines. All
// of them stand in one file.
func (s *Set) moved(by int, lines map[string]int) *Set {
	m := *s
	m.Locations = &config.LabelLocations{File: s.Locations.File, Lines: lines}
	m.Routers = moveOrigins(s.Routers, by, func(v *config.Router) *config.Origin { return &v.Origin })
	m.Services = moveOrigins(s.Services, by, func(v *config.Service) *config.Origin { return &v.Origin })
	m.Middlewares = moveOrigins(s.Middlewares, by, func(v *config.Middleware) *config.Origin { return &v.Origin })
	m.TCP.Routers = moveOrigins(s.TCP.Routers, by, func(v *config.TCPRouter) *config.Origin { return &v.Origin })
	m.TCP.Services = moveOrigins(s.TCP.Services, by, func(v *config.TCPService) *config.Origin { return &v.Origin })
	m.TCP.Middlewares = moveOrigins(s.TCP.Middlewares, by, func(v *config.TCPMiddleware) *config.Origin { return &v.Origin })
	m.UDP.Routers = moveOrigins(s.UDP.Routers, by, func(v *config.UDPRouter) *config.Origin { return &v.Origin })
	m.UDP.Services = moveOrigins(s.UDP.Services, by, func(v *config.UDPService) *config.Origin { return &v.Origin })
	m.TLSStores = moveOrigins(s.TLSStores, by, func(v *config.TLSStore) *config.Origin { return &v.Origin })
	m.Problems = append([]config.Problem(nil), s.Problems...)
	for i := range m.Problems {
		if m.Problems[i].Line > 0 {
			m.Problems[i].Line += by
		}
	}
	return &m
}

func moveOrigins[V any](all map[string]*V, by int, origin func(*V) *config.Origin) map[string]*V {
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
