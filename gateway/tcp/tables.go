package tcp

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"axion/gateway/layer4"
	"axion/gateway/rule"
)

// Tables hold the routes of all entrypoints. They do not change once built, but
// for the health of servers, and are safe for concurrent use.
type Tables struct {
	routes      []*route // in the order of trial, disabled ones included
	tables      map[string]*Table
	services    map[string]*service
	transports  map[string]*transport
	middlewares map[string]*middleware
}

// Table holds the enabled routes of one entrypoint, in the order of trial.
type Table struct {
	plain, secure []*route
}

var empty = &Table{}

// Table is that of an entrypoint; it is empty where no router is for it, never nil.
func (t *Tables) Table(entrypoint string) *Table {
	if table := t.tables[entrypoint]; table != nil {
		return table
	}
	return empty
}

// Empty reports whether the table leaves every connection to HTTP.
func (t *Table) Empty() bool { return len(t.plain) == 0 && len(t.secure) == 0 }

// find is the first route that accepts a connection, nil where none does.
func find(routes []*route, m *rule.TCPMeta) *route {
	for _, r := range routes {
		if r.rule.Match(m) {
			return r
		}
	}
	return nil
}

// Routes describes every router, disabled ones included, in the order of trial.
func (t *Tables) Routes() []Route {
	list := make([]Route, len(t.routes))
	for i, r := range t.routes {
		list[i] = r.describe()
	}
	return list
}

// Findings lists what is wrong or doubtful, in the order of trial of the routers.
func (t *Tables) Findings() []layer4.Finding {
	var list []layer4.Finding
	for _, r := range t.routes {
		list = append(list, r.findings...)
	}
	return list
}

// Servers returns the state of the servers of each service that has its own.
func (t *Tables) Servers() map[string][]Server {
	states := make(map[string][]Server)
	for name, s := range t.services {
		if s.err != nil || s.balancer == nil {
			continue
		}
		list := []Server{}
		for _, at := range s.balancer.servers {
			list = append(list, Server{Address: at.address, Up: at.up()})
		}
		states[name] = list
	}
	return states
}

// Start begins the health checks that the tables ask for and that do not go on
// from the old ones. Release must be called after it.
func (t *Tables) Start() {
	for _, s := range t.services {
		if s.err == nil && s.balancer != nil {
			s.balancer.start()
		}
	}
}

// Release ends the health checks that next does not go on with; nil ends all. The
// connections under way go on.
func (t *Tables) Release(next *Tables) {
	for name, s := range t.services {
		if s.err == nil && s.balancer != nil && (next == nil || next.services[name] != s) {
			s.balancer.stop()
		}
	}
}

// sortRoutes sorts the routes into the order of trial, and gives them to their
// entrypoints.
func (t *Tables) sortRoutes() {
	slices.SortFunc(t.routes, func(a, b *route) int {
		return cmp.Or(
			cmp.Compare(b.priority, a.priority),
			cmp.Compare(b.config.Origin.Layer, a.config.Origin.Layer),
			strings.Compare(a.name, b.name))
	})
	for _, r := range t.routes {
		if r.findings.Refused() {
			continue
		}
		for _, e := range r.entries {
			table := t.tables[e]
			if table == nil {
				table = &Table{}
				t.tables[e] = table
			}
			if r.config.TLS != nil {
				table.secure = append(table.secure, r)
			} else {
				table.plain = append(table.plain, r)
			}
		}
	}
	for _, e := range slices.Sorted(maps.Keys(t.tables)) {
		t.tables[e].review(e)
	}
}
