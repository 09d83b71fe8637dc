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
		if c := t.Dynamic.Services[name]; g.hideBase && c != nil && originOf(c.Origin).Builtin {
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
