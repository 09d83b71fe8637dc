// Package routing compiles the configuration into a table: which router takes a request
// on which entrypoint, behind which middlewares, and which service answers it. A [Table]
// is built from the configuration and [Deps], and takes over from the one before it what
// did not change.
package routing

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hostname"
	"axion/gateway/observe"
	"axion/gateway/rule"
	"axion/gateway/selfaddr"
	"axion/gateway/tcp"
	"axion/gateway/udp"
)

// Table is what the gateway does with requests. It does not change once in force.
type Table struct {
	Dynamic          *config.Dynamic
	own              selfaddr.Set // where the stack listened when the table was made
	EntryPoints      EntryPoints
	unopened         []config.Problem         // with those
	Routers          []*Router                // in the order of trial, disabled ones included
	ordered          int                      // how many are in that order from the beginning
	routersByName    map[string]*Router       // those of the configuration, by name
	indexes          map[string]*entryIndexes // by entrypoint
	Services         map[string]*Service
	transports       map[string]*transport
	TCP              *tcp.Tables
	tcpRules         []*rule.TCPRule // of those that end TLS here
	UDP              *udp.Tables
	Middlewares      map[[2]string]*Middleware       // by router and name
	entryMiddlewares map[[2]string]*entryMiddlewares // by entrypoint and provider
	hostOptions      map[string]*hostOptions         // TLS options, by entrypoint
	Problems         []config.Problem                // beyond the provider's
	replaced         chan struct{}                   // closed when another table is in force
}

// entryIndexes holds an entrypoint's routers without and with TLS.
type entryIndexes struct{ plain, secure Index }

// newTable makes an empty table of d. Its entrypoints are old's where d says the same.
func newTable(d *config.Dynamic, old *Table) *Table {
	t := &Table{
		Dynamic:          d,
		routersByName:    make(map[string]*Router, len(d.Routers)),
		Services:         make(map[string]*Service, len(d.Services)),
		transports:       make(map[string]*transport),
		Middlewares:      make(map[[2]string]*Middleware),
		entryMiddlewares: make(map[[2]string]*entryMiddlewares),
		hostOptions:      make(map[string]*hostOptions),
		indexes:          make(map[string]*entryIndexes),
		replaced:         make(chan struct{}),
	}
	if old.Dynamic != nil && old.Dynamic.Static == d.Static {
		t.EntryPoints, t.unopened = old.EntryPoints, old.unopened
	} else {
		t.EntryPoints, t.unopened = newEntryPoints(d.Static)
	}
	t.Problems = slices.Clone(t.unopened)
	return t
}

// sortAndIndex sorts the routers into the order of trial: by priority, layer and name.
func (t *Table) sortAndIndex() {
	t.Routers = sortedFrom(t.Routers, t.ordered, func(a, b *Router) int {
		return cmp.Or(
			cmp.Compare(b.Priority, a.Priority),
			cmp.Compare(b.Config.Origin.Layer, a.Config.Origin.Layer),
			strings.Compare(a.Name, b.Name))
	})
	for _, e := range t.EntryPoints.All() {
		t.indexes[e.Name] = &entryIndexes{}
	}
	for rank, r := range t.Routers {
		r.rank = rank
		if !r.Ready {
			continue
		}
		for _, e := range r.EntryPoints {
			t.Index(e.Name, e.TLS != nil).add(r)
		}
	}
}

// sortedFrom sorts a list of which the first n are in order already.
func sortedFrom[T any](list []T, n int, compare func(a, b T) int) []T {
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

// Index holds the routers of an entrypoint. It is empty for one that the table does
// not have.
func (t *Table) Index(entrypoint string, secure bool) *Index {
	p := t.indexes[entrypoint]
	switch {
	case p == nil:
		return &Index{}
	case secure:
		return &p.secure
	}
	return &p.plain
}

// HasHost reports whether an enabled HTTPS router, or a TCP router that ends TLS here,
// asks for host, which is as [hostname.Name] gives it.
func (t *Table) HasHost(host string) bool {
	for _, p := range t.indexes {
		if p.secure.hasHost(host) {
			return true
		}
	}
	return t.tcpHasHost(host)
}

// ServesFrontPage reports whether an HTTPS router of any host takes a plain request for
// host, though none asks for it.
func (t *Table) ServesFrontPage(host string) bool {
	r, err := http.NewRequest(http.MethodGet, "https://"+hostname.Join(host, "")+"/", nil)
	if err != nil {
		return false
	}
	req, err := rule.NewRequest(r)
	if err != nil {
		return false
	}
	for _, p := range t.indexes {
		if p.secure.Find(req) != nil {
			return true
		}
	}
	return false
}

// Replaced is closed when another table is in force.
func (t *Table) Replaced() <-chan struct{} { return t.replaced }

// ReplaceBy ends what next, which is in force now, does not go on using.
func (t *Table) ReplaceBy(next *Table) {
	close(t.replaced)
	t.Release(next)
}

// AddProblems adds what was found when the table was put in force.
func (t *Table) AddProblems(list ...config.Problem) { t.Problems = append(t.Problems, list...) }

// Release ends what next does not go on using.
func (t *Table) Release(next *Table) {
	kept := func(name string) *Service {
		if next == nil {
			return nil
		}
		return next.Services[name]
	}
	if next == nil {
		t.TCP.Release(nil)
	} else {
		t.TCP.Release(next.TCP)
	}
	for name, s := range t.Services {
		if s == nil || s.unwrapped == nil {
			continue
		}
		if now := kept(name); now == nil || now.unwrapped != s.unwrapped {
			s.unwrapped.Close()
		}
	}
	for name, at := range t.transports {
		if at.Transport != nil && (next == nil || next.transports[name] != at) {
			at.Close()
		}
	}
}

// Alive names what t has, for the metrics.
func (t *Table) Alive() *observe.Alive {
	a := &observe.Alive{EntryPoints: map[string]bool{}, Routers: make(map[string]bool, len(t.Routers)),
		Services: make(map[string]bool, len(t.Dynamic.Services))}
	for _, e := range t.EntryPoints.All() {
		a.EntryPoints[e.Name] = true
	}
	for _, r := range t.Routers {
		a.Routers[r.Name], a.Services[r.Config.Service] = true, true
	}
	for name := range t.Dynamic.Services {
		a.Services[name] = true
	}
	return a
}
