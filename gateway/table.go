package gateway

import (
	"cmp"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/rule"
)

// The entrypoints' names.
const (
	web       = "web"
	webSecure = "websecure"
)

// table is one state of the gateway's routes. It does not change once in force.
type table struct {
	dynamic     *config.Dynamic
	routes      []*route // in the order of trial, disabled ones included
	plain       index    // of web
	secure      index    // of websecure
	balancers   map[string]*balancer
	middlewares map[[2]string]*ware // by router and name
	problems    []config.Problem    // beyond the provider's
	replaced    chan struct{}       // closed when another table is in force
}

func (t *table) entrypoint(secure bool) *index {
	if secure {
		return &t.secure
	}
	return &t.plain
}

// arrange sorts the routes into the order of trial: by priority, layer and name.
func (t *table) arrange() {
	slices.SortFunc(t.routes, func(a, b *route) int {
		return cmp.Or(
			cmp.Compare(b.priority, a.priority),
			cmp.Compare(b.config.Origin.Layer, a.config.Origin.Layer),
			strings.Compare(a.name, b.name))
	})
	for rank, r := range t.routes {
		r.rank = rank
		if r.handler == nil {
			continue
		}
		if r.plain {
			t.plain.add(r)
		}
		if r.secure {
			t.secure.add(r)
		}
	}
}

// release ends the balancers that next does not go on using.
func (t *table) release(next *table) {
	for name, b := range t.balancers {
		if b.Balancer == nil || next != nil && next.balancers[name] != nil && next.balancers[name].Balancer == b.Balancer {
			continue
		}
		b.Close()
	}
}

// index finds routes by host. Its lists are in the order of trial.
type index struct {
	hosts map[string][]*route // routes that match these hosts only
	rest  []*route
}

func (x *index) add(r *route) {
	hosts, others := r.rule.Hosts()
	if others {
		x.rest = append(x.rest, r)
		return
	}
	if x.hosts == nil {
		x.hosts = make(map[string][]*route)
	}
	for _, h := range hosts {
		x.hosts[h] = append(x.hosts[h], r)
	}
}

// find is the first route that matches req, or nil.
func (x *index) find(req *rule.Request) *route {
	own, rest := x.hosts[req.Host], x.rest
	for len(own) > 0 || len(rest) > 0 {
		var r *route
		if len(rest) == 0 || len(own) > 0 && own[0].rank < rest[0].rank {
			r, own = own[0], own[1:]
		} else {
			r, rest = rest[0], rest[1:]
		}
		if r.rule.Match(req) {
			return r
		}
	}
	return nil
}

// asksFor reports whether a route's rule names host.
func (x *index) asksFor(host string) bool {
	asks := func(r *route) bool { return r.rule.AllowsHost(host) }
	return slices.ContainsFunc(x.hosts[strings.ToLower(host)], asks) || slices.ContainsFunc(x.rest, asks)
}

// allows reports whether host may have a certificate: one that is asked for, and
// this machine's own names where a route takes any host.
func (x *index) allows(host string) bool {
	return x.asksFor(host) || len(x.rest) > 0 && isLoopback(host)
}
