package udp

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/layer4"
)

// Tables hold the routes of all entrypoints. They do not change once built, and are
// safe for concurrent use.
type Tables struct {
	routes   []Route
	tables   map[string]*Table
	services map[string]*service
}

// Table says who serves the datagrams of one entrypoint.
type Table struct {
	router  string
	service *service // nil where nobody does
}

var empty = &Table{}

// Table is that of an entrypoint; it is empty where no router is for it, never nil.
func (t *Tables) Table(entrypoint string) *Table {
	if table := t.tables[entrypoint]; table != nil {
		return table
	}
	return empty
}

// Empty reports whether datagrams are dropped.
func (t *Table) Empty() bool { return t.service == nil }

// Routes describes every router, disabled ones included: those of a higher layer
// first, then by name.
func (t *Tables) Routes() []Route { return slices.Clone(t.routes) }

// Findings lists what is wrong or doubtful, in the order of Routes.
func (t *Tables) Findings() []layer4.Finding {
	var list []layer4.Finding
	for _, r := range t.routes {
		list = append(list, r.Findings...)
	}
	return list
}

// builder makes tables.
type builder struct {
	*Tables
	known  layer4.Services[config.UDPService, *service]
	config *config.UDP
	opts   Options
	old    *Tables
}

// Build makes tables of c. An entrypoint has one router: the first in the order of
// [Tables.Routes].
func Build(c *config.UDP, opts Options) *Tables {
	if len(c.Routers) == 0 {
		return &Tables{}
	}
	b := &builder{
		Tables: &Tables{tables: make(map[string]*Table), services: make(map[string]*service)},
		config: c, opts: opts, old: cmp.Or(opts.Old, &Tables{}),
	}
	b.known = layer4.Services[config.UDPService, *service]{Configs: c.Services, Built: b.services, Build: b.buildService,
		Failed: func(err error) *service { return &service{err: err} }}
	names := slices.SortedFunc(maps.Keys(c.Routers), func(x, y string) int {
		return cmp.Or(cmp.Compare(c.Routers[y].Origin.Layer, c.Routers[x].Origin.Layer), strings.Compare(x, y))
	})
	for _, name := range names {
		b.routes = append(b.routes, b.route(name, c.Routers[name]))
	}
	return b.Tables
}

func (b *builder) route(name string, c *config.UDPRouter) Route {
	r := &Route{Name: name, Config: c}
	entries := b.entries(r)
	s, err := b.known.ForRouter(c.Service, c.Origin, "udp.routers."+config.BareName(name)+".service")
	if err != nil {
		r.refuse("service", err.Error(), hint.Of(err))
	}
	if layer4.Findings(r.Findings).Refused() {
		return *r
	}
	for _, e := range entries {
		if first := b.tables[e]; first != nil {
			r.report(config.Warning, "entrypoints", fmt.Sprintf("on entrypoint %s the router %q takes all datagrams", e, first.router),
				"give it another entrypoint")
			continue
		}
		b.tables[e] = &Table{router: name, service: s}
		r.EntryPoints = append(r.EntryPoints, e)
	}
	if r.Enabled = len(r.EntryPoints) > 0; !r.Enabled {
		r.refuse("entrypoints", "other routers take all datagrams of its entrypoints", "give it another entrypoint")
	}
	return *r
}

// entries are the entrypoints that the router asks for.
func (b *builder) entries(r *Route) []string {
	known := "the entrypoints for UDP are " + strings.Join(slices.Sorted(maps.Keys(b.opts.EntryPoints)), ", ")
	if len(b.opts.EntryPoints) == 0 {
		known = "there is no entrypoint for UDP: add one with an address such as :53/udp"
	}
	if len(r.Config.EntryPoints) == 0 {
		if len(b.opts.Defaults) == 0 {
			r.refuse("entrypoints", "it names no entrypoint", known)
		}
		return b.opts.Defaults
	}
	var entries []string
	for _, name := range r.Config.EntryPoints {
		e, ok := b.opts.EntryPoints[name]
		if !ok {
			r.report(config.Warning, "entrypoints", fmt.Sprintf("entrypoint %q does not exist, or is not for UDP", name), known)
		} else if !slices.Contains(entries, e) {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		r.refuse("entrypoints", "none of the router's entrypoints exists", known)
	}
	return entries
}

func (r *Route) refuse(field, message, hint string) { r.report(config.Error, field, message, hint) }

func (r *Route) report(s config.Severity, field, message, hint string) {
	r.Findings = append(r.Findings, layer4.Finding{Router: r.Name, Severity: s, Field: field, Message: message, Hint: hint})
}
