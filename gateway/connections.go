package gateway

import (
	"maps"
	"slices"

	"axion/gateway/observe"
)

// serverStates are the servers of the table in force.
func (g *Gateway) serverStates() []observe.Server {
	t := g.table.Load()
	var list []observe.Server
	for _, name := range slices.Sorted(maps.Keys(t.services)) {
		s := t.services[name]
		if s == nil || s.config.LoadBalancer == nil {
			continue // others have the servers of these
		}
		for _, at := range s.describe() {
			list = append(list, observe.Server{Service: name, URL: at.URL, Up: at.Status == status(true)})
		}
	}
	return list
}

// connections are those open on each entrypoint. Of UDP they are sessions.
func (g *Gateway) connections() []observe.Connections {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []observe.Connections
	for name, f := range g.fronts {
		list = append(list, observe.Connections{EntryPoint: name, Protocol: "TCP", Open: f.crowd.open()})
	}
	for name, s := range g.datagrams {
		list = append(list, observe.Connections{EntryPoint: name, Protocol: "UDP", Open: s.Sessions()})
	}
	return list
}

// open counts the crowd.
func (c *crowd) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.guests)
}
