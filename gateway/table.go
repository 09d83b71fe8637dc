package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hostname"
	"axion/gateway/rule"
	"axion/gateway/selfaddr"
	"axion/gateway/tcp"
	"axion/gateway/udp"
)

// table is one state of the gateway's routes. It does not change once in force.
type table struct {
	dynamic     *config.Dynamic
	own         selfaddr.Set // where the stack listened when the table was made
	entries     entrypoints
	unopened    []config.Problem  // with those
	routes      []*route          // in the order of trial, disabled ones included
	arranged    int               // how many are in that order from the beginning
	named       map[string]*route // those of the configuration, by name
	indexes     map[string]*pair  // by entrypoint
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

// newTable makes an empty table of d. Its entrypoints are old's where d says the same.
func newTable(d *config.Dynamic, old *table) *table {
	t := &table{
		dynamic:     d,
		named:       make(map[string]*route, len(d.Routers)),
		services:    make(map[string]*service, len(d.Services)),
		transports:  make(map[string]*transport),
		middlewares: make(map[[2]string]*ware),
		wares:       make(map[[2]string]*entryWares),
		options:     make(map[string]*hostOptions),
		indexes:     make(map[string]*pair),
		replaced:    make(chan struct{}),
	}
	if old.dynamic != nil && old.dynamic.Static == d.Static {
		t.entries, t.unopened = old.entries, old.unopened
	} else {
		t.entries, t.unopened = newEntrypoints(d.Static)
	}
	t.problems = slices.Clone(t.unopened)
	return t
}

// arrange sorts the routes into the order of trial: by priority, layer and name.
func (t *table) arrange() {
	t.routes = arranged(t.routes, t.arranged, func(a, b *route) int {
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

// arranged sorts a list of which the first n are in order already.
func arranged[T any](list []T, n int, compare func(a, b T) int) []T {
	before, more := list[:n], slices.SortedFunc(slices.Values(list[n:]), compare)
	out := make([]T, 0, len(list))
	for len(before) > 0 && len(more) > 0 {
		if compare(more[0], before[0]) < 0 {
			out, more = append(out, more[0]), more[1:]
		} else {
			out, before = append(out, before[0]), before[1:]
		}
	}
	return append(append(out, before...), more...)
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
