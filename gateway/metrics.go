package gateway

import (
	"maps"
	"slices"

	"axion/gateway/cert"
	"axion/gateway/observe"
	"axion/gateway/routes"
	"axion/gateway/routing"
	"axion/web/view"
)

// servers are those of a table, as the metrics show them.
func servers(t *routing.Table, hideBase bool) []observe.Server {
	var list []observe.Server
	for _, name := range slices.Sorted(maps.Keys(t.Services)) {
		s := t.Services[name]
		if s == nil || s.Config.LoadBalancer == nil {
			continue // others have the servers of these
		}
		if c := t.Dynamic.Services[name]; hideBase && c != nil && routes.OriginOf(c.Origin).Builtin {
			continue
		}
		for _, at := range routes.ServersOf(s) {
			list = append(list, observe.Server{Service: name, URL: at.URL, Up: at.Status == view.ServerUp})
		}
	}
	return list
}

// certificates are those that handshakes get; none where a is nil.
func certificates(a *cert.Authority) []observe.Certificate {
	if a == nil {
		return nil
	}
	var list []observe.Certificate
	for _, c := range a.List() {
		if c.Leaf != nil {
			list = append(list, observe.Certificate{
				Name: c.Leaf.Subject.CommonName, Serial: c.Leaf.SerialNumber.String(), Names: c.Leaf.DNSNames, NotAfter: c.Leaf.NotAfter,
			})
		}
	}
	return list
}
