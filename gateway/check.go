package gateway

import (
	"maps"
	"slices"

	"axion/gateway/config"
)

// check tells which routers of d would be disabled, and why, without building
// what serves them: so that the provider can keep a file's last good version.
func (g *Gateway) check(d *config.Dynamic) []config.Problem {
	var problems []config.Problem
	trial := &table{dynamic: d, middlewares: make(map[[2]string]*ware)}
	for _, name := range slices.Sorted(maps.Keys(d.Routers)) {
		r := &route{name: name, config: d.Routers[name]}
		r.enter()
		g.dress(r, trial, &table{})
		r.knowsService(d)
		for _, f := range r.findings {
			if f.severity == config.Error {
				problems = append(problems, r.problem(f))
			}
		}
	}
	return problems
}
