package routing

import (
	"axion/gateway/config"
	"axion/gateway/udp"
)

// buildUDP builds the routers of datagrams.
func (b layer4Builder) buildUDP() {
	opts := udp.Options{EntryPoints: make(map[string]string), Old: b.lasting().UDP,
		Refuse: func(c *config.UDPService, address string) error { return b.refuse(c.Origin, "udp", address) }}
	for name, e := range b.EntryPoints {
		if e.UDP {
			opts.EntryPoints[name] = e.Name
		}
	}
	for _, e := range b.EntryPoints.All() {
		if e.UDP {
			opts.Defaults = append(opts.Defaults, e.Name)
		}
	}
	b.UDP = udp.Build(&b.Dynamic.UDP, opts)
}

// udpProblems are those of the routers of datagrams, with their places.
func udpProblems(t *Table) []config.Problem {
	var list []config.Problem
	for _, f := range t.UDP.Findings() {
		r := t.Dynamic.UDP.Routers[f.Router]
		if r == nil {
			continue
		}
		list = append(list, t.Dynamic.Problem(f.Severity, r.Origin, "udp.routers."+config.BareName(f.Router)+"."+f.Field, f.Message, f.Hint))
	}
	return list
}
