package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hostname"
	"axion/gateway/rule"
	"axion/gateway/tcp"
	"axion/gateway/udp"
)

// table is one state of the gateway's routes. It does not change once in force.
type table struct {
	dynamic     *config.Dynamic
	entries     entrypoints
	routes      []*route         // in the order of trial, disabled ones included
	indexes     map[string]*pair // by entrypoint
	services    map[string]*service
	transports  map[string]*transport
	tcp         *tcp.Tables
	tcpRules    []*rule.TCPRule // of those that end TLS here
	udp         *udp.Tables
	middlewares map[[2]string]*ware       // by router and name
	wares       map[[2]string]*entryWares // by entrypoint and provider
	options     map[string]*hostOptions   // TLS options, by entrypoint
	problems    []config.Problem          // beyond the provider's
	replaced    chan struct{}             // closed when another table is in force
}

// pair holds an entrypoint's routes without and with TLS.
type pair struct{ plain, secure index }

func newTable(d *config.Dynamic) *table {
	t := &table{
		dynamic:     d,
		services:    make(map[string]*service),
		transports:  make(map[string]*transport),
		middlewares: make(map[[2]string]*ware),
		wares:       make(map[[2]string]*entryWares),
		options:     make(map[string]*hostOptions),
		indexes:     make(map[string]*pair),
		replaced:    make(chan struct{}),
	}
	t.entries, t.problems = newEntrypoints(d.Static)
	return t
}

// arrange sorts the routes into the order of trial: by priority, layer and name.
func (t *table) arrange() {
	slices.SortFunc(t.routes, func(a, b *route) int {
		return cmp.Or(
			cmp.Compare(b.priority, a.priority),
			cmp.Compare(b.config.Origin.Layer, a.config.Origin.Layer),
			strings.Compare(a.name, b.name))
	})
	for _, e := range t.entries.all() {
		t.indexes[e.name] = &pair{}
	}
	for rank, r := range t.routes {
		r.rank = rank
		if !r.ready {
			continue
		}
		for _, e := range r.entries {
			t.index(e.name, e.tls != nil).add(r)
		}
	}
}

// index holds the routes of an entrypoint. It is empty for one that the table does
// not have.
func (t *table) index(entrypoint string, secure bool) *index {
	p := t.indexes[entrypoint]
	switch {
	case p == nil:
		return &index{}
	case secure:
		return &p.secure
	}
	return &p.plain
}

// asksFor reports whether an enabled HTTPS router, or a TCP router that ends TLS here,
// asks for host, which is as [hostname.Name] gives it.
func (t *table) asksFor(host string) bool {
	for _, p := range t.indexes {
		if p.secure.asksFor(host) {
			return true
		}
	}
	return t.tcpAsksFor(host)
}

// takesFrontPage reports whether an HTTPS router of any host takes a plain request for
// host, though none asks for it.
func (t *table) takesFrontPage(host string) bool {
	r, err := http.NewRequest(http.MethodGet, "https://"+hostname.Join(host, "")+"/", nil)
	if err != nil {
		return false
	}
	req, err := rule.NewRequest(r)
	if err != nil {
		return false
	}
	for _, p := range t.indexes {
		if p.secure.find(req) != nil {
			return true
		}
	}
	return false
}

// release ends what next does not go on using.
func (t *table) release(next *table) {
	kept := func(name string) *service {
		if next == nil {
			return nil
		}
		return next.services[name]
	}
	if next == nil {
		t.tcp.Release(nil)
	} else {
		t.tcp.Release(next.tcp)
	}
	for name, s := range t.services {
		if s == nil || s.bare == nil {
			continue
		}
		if now := kept(name); now == nil || now.bare != s.bare {
			s.bare.Close()
		}
	}
	for name, at := range t.transports {
		if at.Transport != nil && (next == nil || next.transports[name] != at) {
			at.Close()
		}
	}
}
