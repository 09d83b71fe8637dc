package provider

import (
	"cmp"
	"slices"

	"axion/gateway/config"
	"axion/gateway/label"
)

// The providers, as Traefik names them.
const (
	docker       = "docker" // labels
	fileProvider = "file"   // dynamic configuration files
)

// piece is what one compose service or dynamic file says, without provider.
type piece struct {
	provider    string
	routers     map[string]*config.Router
	services    map[string]*config.Service
	middlewares map[string]*config.Middleware
	transports  map[string]*config.ServersTransport
	tcp         config.TCP
	udp         config.UDP
	tls         config.TLS
	unsupported map[string]string // middlewares, as [label.Set].Unsupported
	origin      config.Origin     // of those
	places      *config.Places    // of a dynamic file
}

// pieceOf is what a set says, under its qualified names.
func pieceOf(set *label.Set) *piece {
	return &piece{
		provider: docker, routers: qualified(set.Routers), services: qualified(set.Services), middlewares: qualified(set.Middlewares),
		tcp: set.TCP, udp: set.UDP, tls: config.TLS{Stores: set.TLSStores},
		unsupported: set.Unsupported, origin: set.Origin,
	}
}

func qualified[T any](of map[string]*T) map[string]*T {
	out := make(map[string]*T, len(of))
	for name, v := range of {
		out[qualify(name, docker)] = v
	}
	if len(out) < len(of) {
		return of // some have one name: they are qualified where that is told
	}
	return out
}

// merger collects the definitions of each name.
type merger struct {
	out         *config.Dynamic
	memos       *memos
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

// untold is what Traefik is told where no file starts it.
var untold = &config.Static{}

func newMergedMiddleware(m *config.Middleware) *mergedMiddleware {
	return &mergedMiddleware{Middleware: *m}
}

func newMerger(m *memos) *merger {
	return &merger{
		memos:       m,
		out:         &config.Dynamic{Static: untold, Places: make(map[config.Scope][]*config.Places, m.sets.size())},
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

// merge makes one configuration of the documents in force.
func merge(docs []*document, with *memos) *config.Dynamic {
	m := newMerger(with)
	for _, set := range served(docs) {
		m.out.Problems = append(m.out.Problems, set.Problems...)
		if set.Unserved != nil {
			m.out.Unserved = append(m.out.Unserved, set.Unserved)
		}
		scope := config.Scope{Provider: set.Origin.Provider, Service: set.Origin.Service, Layer: set.Origin.Layer}
		m.out.Places[scope] = append(m.out.Places[scope], set.Places)
		m.add(*m.memos.sets.of(set, pieceOf))
	}
	for _, doc := range docs {
		m.out.Unserved = append(m.out.Unserved, doc.unserved...)
		m.out.Problems = append(m.out.Problems, doc.problems...)
		if doc.static != nil {
			m.out.Static = doc.static // those of higher layers come later
		}
		if doc.file != nil {
			scope := config.Scope{Provider: fileProvider, Layer: doc.layer}
			if doc.file.places != nil {
				m.out.Places[scope] = append(m.out.Places[scope], doc.file.places)
			}
			m.add(*doc.file)
		}
	}
	m.finish()
	sortByPlace(m.out.Problems)
	return m.out
}

func sortByPlace(problems []config.Problem) {
	slices.SortStableFunc(problems, func(a, b config.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
}

// served are the compose services that count: one in a higher layer replaces
// those of its name below, and a container the service that it runs.
func served(docs []*document) []*label.Set {
	type run struct{ project, name string }
	top, running := make(map[string]int, len(docs)), map[run]bool{}
	for _, doc := range docs {
		for _, set := range doc.sets {
			if name := set.Origin.Service; doc.containers {
				running[run{set.Project, name}] = true
			} else {
				top[name] = max(top[name], doc.layer)
			}
		}
	}
	var out []*label.Set
	for _, doc := range docs {
		for _, set := range doc.sets {
			name := set.Origin.Service
			// What belongs to no project only has its name in common.
			replaced := top[name] > doc.layer || !doc.containers && doc.layer < containerLayer && set.Project != "" &&
				running[run{set.Project, name}]
			if !replaced {
				out = append(out, set)
			}
		}
	}
	return out
}

func (m *merger) add(p piece) {
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
	d.Services = pick(m, &m.services, mergeServers)
	merged := pick(m, &m.middlewares, nil)
	d.Middlewares = make(map[string]*config.Middleware, len(merged))
	for name, w := range merged {
		if w.unsupported == "" {
			d.Middlewares[name] = &w.Middleware
		}
	}
	d.Routers = pick(m, &m.routers, nil)
	d.ServersTransports = pick(m, &m.transports, nil)
	d.TCP = config.TCP{
		Routers: pick(m, &m.tcpRouters, nil), Services: pick(m, &m.tcpServices, mergeTCPServers),
		Middlewares: pick(m, &m.tcpMiddlewares, nil), ServersTransports: pick(m, &m.tcpTransports, nil),
	}
	d.UDP = config.UDP{Routers: pick(m, &m.udpRouters, nil), Services: pick(m, &m.udpServices, mergeUDPServers)}
	d.TLS.Options, d.TLS.Stores = pick(m, &m.options, nil), pick(m, &m.stores, nil)
	d.Written = written(d)
	m.refer(d)
	m.leaveOut(merged)
}
