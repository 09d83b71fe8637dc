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
	for _, name := range slices.Sorted(maps.Keys(t.Services)) {
		s := t.Services[name]
		if s == nil || s.Config.LoadBalancer == nil {
			continue // others have the servers of these
		}
		if c := t.Dynamic.Services[name]; g.hideBase && c != nil && originOf(c.Origin).base {
			continue
		}
		for _, at := range serversOf(s) {
			list = append(list, observe.Server{Service: name, URL: at.URL, Up: at.Status == status(true)})
		}
	}
	return list
}

// certificates are those that handshakes get, as far as they are there.
func (g *Gateway) certificates() []observe.Certificate {
	if g.cert == nil {
		return nil
	}
	var list []observe.Certificate
	for _, c := range g.cert.List() {
		if c.Leaf != nil {
			list = append(list, observe.Certificate{
				Name: c.Leaf.Subject.CommonName, Serial: c.Leaf.SerialNumber.String(), Names: c.Leaf.DNSNames, NotAfter: c.Leaf.NotAfter,
			})
		}
	}
	return list
}

// connections are those open on each entrypoint. Of UDP they are sessions.
func (g *Gateway) connections() []observe.Connections {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []observe.Connections
	for _, f := range g.fronts {
		list = append(list, observe.Connections{EntryPoint: f.entry().Name, Protocol: "TCP", Open: f.crowd.open()})
	}
	for _, d := range g.datagrams {
		list = append(list, observe.Connections{EntryPoint: d.view.Load().entry.Name, Protocol: "UDP", Open: d.Sessions()})
	}
	return list
}

// open counts the crowd.
func (c *crowd) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.guests)
}
