package gateway

import (
	"cmp"
	"slices"
	"strings"

	"axion/gateway/config"
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
