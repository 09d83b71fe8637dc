// Package merge makes one configuration of what the sources define: definitions of a
// higher layer replace those below, and names that qualifyReferences to others get their provider.
package merge

import (
	"cmp"
	"slices"

	"axion/gateway/config"
	"axion/gateway/label"
)

// merger collects the definitions of each name.
type merger struct {
	out         *config.Dynamic
	memos       *Memos
	routers     group[config.Router]
	services    group[config.Service]
	middlewares group[mergedMiddleware]
	transports  group[config.ServersTransport]

	tcpRouters     group[config.TCPRouter]
	tcpServices    group[config.TCPService]
	tcpMiddlewares group[config.TCPMiddleware]
	tcpTransports  group[config.TCPServersTransport]
	udpRouters     group[config.UDPRouter]
	udpServices    group[config.UDPService]
	options        group[config.TLSOptions]
	stores         group[config.TLSStore]
}

// mergedMiddleware is an HTTP middleware, or why there is none.
type mergedMiddleware struct {
	config.Middleware
	unsupported string
}

// noStatic is what Traefik is given where no file starts it.
var noStatic = &config.Static{}

func newMergedMiddleware(m *config.Middleware) *mergedMiddleware {
	return &mergedMiddleware{Middleware: *m}
}

func newMerger(m *Memos) *merger {
	return &merger{
		memos:       m,
		out:         &config.Dynamic{Static: noStatic, Locations: make(map[config.Scope][]*config.LabelLocations, m.sets.size())},
		routers:     newGroup("router", func(v *config.Router) *config.Origin { return &v.Origin }).sized(m.routers.size()),
		services:    newGroup("service", func(v *config.Service) *config.Origin { return &v.Origin }).sized(m.services.size()),
		middlewares: newGroup("middleware", func(v *mergedMiddleware) *config.Origin { return &v.Origin }).sized(m.mergedMiddlewares.size()),
		transports:  newGroup("serversTransport", func(v *config.ServersTransport) *config.Origin { return &v.Origin }),

		tcpRouters:     newGroup("TCP router", func(v *config.TCPRouter) *config.Origin { return &v.Origin }),
		tcpServices:    newGroup("TCP service", func(v *config.TCPService) *config.Origin { return &v.Origin }),
		tcpMiddlewares: newGroup("TCP middleware", func(v *config.TCPMiddleware) *config.Origin { return &v.Origin }),
		tcpTransports:  newGroup("TCP serversTransport", func(v *config.TCPServersTransport) *config.Origin { return &v.Origin }),
		udpRouters:     newGroup("UDP router", func(v *config.UDPRouter) *config.Origin { return &v.Origin }),
		udpServices:    newGroup("UDP service", func(v *config.UDPService) *config.Origin { return &v.Origin }),
		options:        newGroup("TLS option set", func(v *config.TLSOptions) *config.Origin { return &v.Origin }),
		stores:         newGroup("TLS store", func(v *config.TLSStore) *config.Origin { return &v.Origin }),
	}
}

// Documents makes one configuration of the documents in force.
func Documents(docs []*Document, with *Memos) *config.Dynamic {
	m := newMerger(with)
	for _, set := range served(docs) {
		m.out.Problems = append(m.out.Problems, set.Problems...)
		if set.Unserved != nil {
			m.out.Unserved = append(m.out.Unserved, set.Unserved)
		}
		scope := config.Scope{Provider: set.Origin.Provider, Service: set.Origin.Service, Layer: set.Origin.Layer}
		m.out.Locations[scope] = append(m.out.Locations[scope], set.Locations)
		m.add(*m.memos.sets.of(set, ofLabels))
	}
	for _, doc := range docs {
		m.out.Unserved = append(m.out.Unserved, doc.Unserved...)
		m.out.Problems = append(m.out.Problems, doc.Problems...)
		if doc.Static != nil {
			m.out.Static = doc.Static // those of higher layers come later
		}
		if doc.File != nil {
			scope := config.Scope{Provider: fileProvider, Layer: doc.Layer}
			if doc.File.places != nil {
				m.out.Locations[scope] = append(m.out.Locations[scope], doc.File.places)
			}
			m.add(*doc.File)
		}
	}
	m.finish()
	SortProblems(m.out.Problems)
	return m.out
}

// SortProblems sorts by file and line.
func SortProblems(problems []config.Problem) {
	slices.SortStableFunc(problems, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
}

// served are the compose services that count: one in a higher layer replaces
// those of its name below, and a container the service that it runs.
func served(docs []*Document) []*label.Set {
	type run struct{ project, name string }
	top, running := make(map[string]int, len(docs)), map[run]bool{}
	for _, doc := range docs {
		for _, set := range doc.Sets {
			if name := set.Origin.Service; doc.Running {
				running[run{set.Project, name}] = true
			} else {
				top[name] = max(top[name], doc.Layer)
			}
		}
	}
	var out []*label.Set
	for _, doc := range docs {
		for _, set := range doc.Sets {
			name := set.Origin.Service
			// What belongs to no project only has its name in common.
			replaced := top[name] > doc.Layer || !doc.Running && doc.Layer < ContainerLayer && set.Project != "" &&
				running[run{set.Project, name}]
			if !replaced {
				out = append(out, set)
			}
		}
	}
	return out
}

func (m *merger) add(p Definitions) {
	collect(&m.routers, p.provider, p.routers)
	collect(&m.services, p.provider, p.services)
	for name, w := range p.middlewares {
		m.middlewares.add(qualify(name, p.provider), m.memos.mergedMiddlewares.of(w, newMergedMiddleware))
	}
	for name, why := range p.unsupported {
		m.middlewares.add(qualify(name, p.provider), &mergedMiddleware{Middleware: config.Middleware{Origin: p.origin}, unsupported: why})
	}
	collect(&m.transports, p.provider, p.transports)
	collect(&m.tcpRouters, p.provider, p.tcp.Routers)
	collect(&m.tcpServices, p.provider, p.tcp.Services)
	collect(&m.tcpMiddlewares, p.provider, p.tcp.Middlewares)
	collect(&m.tcpTransports, p.provider, p.tcp.ServersTransports)
	collect(&m.udpRouters, p.provider, p.udp.Routers)
	collect(&m.udpServices, p.provider, p.udp.Services)
	for name, v := range p.tls.Options {
		m.options.add(shared(name, p.provider), v)
	}
	for name, v := range p.tls.Stores {
		m.stores.add(shared(name, p.provider), v)
	}
	for _, c := range p.tls.Certificates {
		c.Stores = slices.Clone(c.Stores)
		for i, s := range c.Stores {
			c.Stores[i] = shared(s, p.provider)
		}
		m.out.TLS.Certificates = append(m.out.TLS.Certificates, c)
	}
}

// finish picks the definitions in force and qualifies what they refer to.
func (m *merger) finish() {
	d := m.out
	d.Services = selectByLayer(m, &m.services, mergeServers)
	merged := selectByLayer(m, &m.middlewares, nil)
	d.Middlewares = make(map[string]*config.Middleware, len(merged))
	for name, w := range merged {
		if w.unsupported == "" {
			d.Middlewares[name] = &w.Middleware
		}
	}
	d.Routers = selectByLayer(m, &m.routers, nil)
	d.ServersTransports = selectByLayer(m, &m.transports, nil)
	d.TCP = config.TCP{
		Routers: selectByLayer(m, &m.tcpRouters, nil), Services: selectByLayer(m, &m.tcpServices, mergeTCPServers),
		Middlewares: selectByLayer(m, &m.tcpMiddlewares, nil), ServersTransports: selectByLayer(m, &m.tcpTransports, nil),
	}
	d.UDP = config.UDP{Routers: selectByLayer(m, &m.udpRouters, nil), Services: selectByLayer(m, &m.udpServices, mergeUDPServers)}
	d.TLS.Options, d.TLS.Stores = selectByLayer(m, &m.options, nil), selectByLayer(m, &m.stores, nil)
	d.Written = written(d)
	m.qualifyReferences(d)
	m.excludeFailed(merged)
}
