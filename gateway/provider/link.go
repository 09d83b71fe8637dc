package provider

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"axion/gateway/config"
)

// link qualifies a router's references. It is nil where a middleware that must
// not be left out could not be built.
func (m *merger) link(name string, r *config.Router) *config.Router {
	linked := *r
	linked.Service = qualify(r.Service)
	linked.Middlewares = nil
	for _, ref := range r.Middlewares {
		ref = qualify(ref)
		w := m.wares[ref]
		switch {
		case w != nil && w.unsupported != "":
			m.problem(config.Error, r.Origin, fmt.Sprintf("the router %q is left out: its middleware %q needs %s, which is not supported yet",
				bare(name), bare(ref), w.unsupported), "")
			return nil
		case w == nil || !w.skipped:
			linked.Middlewares = append(linked.Middlewares, ref)
		}
	}
	return &linked
}

// conflict reports definitions of one name that differ: all are left out.
func (m *merger) conflict(kind string, places []place) {
	for i, p := range places {
		other := places[(i+1)%len(places)]
		m.problem(config.Error, p.origin, fmt.Sprintf("the %s %q is left out: service %q in %s defines it differently",
			kind, bare(p.name), other.origin.Service, other.origin.File), "give one of them another name")
	}
}

func (m *merger) problem(severity config.Severity, at config.Origin, message, hint string) {
	m.out.Problems = append(m.out.Problems, config.Problem{
		Severity: severity, File: at.File, Line: at.Line, Service: at.Service, Message: message, Hint: hint,
	})
}

// qualify gives a name from a label its provider.
func qualify(name string) string {
	if strings.Contains(name, "@") {
		return name
	}
	return name + suffix
}

func bare(name string) string { return strings.TrimSuffix(name, suffix) }

// sameRouter is a if both say the same, else nil.
func sameRouter(a, b *config.Router) *config.Router {
	x, y := *a, *b
	x.Origin, y.Origin = config.Origin{}, config.Origin{}
	if reflect.DeepEqual(x, y) {
		return a
	}
	return nil
}

// sameWare is a if both say the same, else nil.
func sameWare(a, b *ware) *ware {
	x, y := *a, *b
	x.Origin, y.Origin = config.Origin{}, config.Origin{}
	if reflect.DeepEqual(x, y) {
		return a
	}
	return nil
}

// mergeServers gives a the servers of b as well, if the rest is the same.
func mergeServers(a, b *config.Service) *config.Service {
	x, y := *a.LoadBalancer, *b.LoadBalancer
	servers := slices.Clone(x.Servers)
	for _, s := range y.Servers {
		if !slices.Contains(servers, s) {
			servers = append(servers, s)
		}
	}
	x.Servers, y.Servers = nil, nil
	if !reflect.DeepEqual(x, y) {
		return nil
	}
	x.Servers = servers
	return &config.Service{Origin: a.Origin, LoadBalancer: &x}
}
