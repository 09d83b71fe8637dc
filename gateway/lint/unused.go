package lint

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"axion/gateway/config"
)

// References are the names, qualified by provider, of what a configuration refers
// to: middlewares, services and the servers' transports. What is defined and not
// among them serves nothing.
type References struct{ Middlewares, Services, Transports map[string]bool }

// Refers collects the references of the HTTP part of d.
func Refers(d *config.Dynamic) References {
	return (&checker{dynamic: d, Checker: &Checker{known: map[any]*facts{}}}).http()
}

// http are the references of the HTTP part.
func (c *checker) http() References {
	d := c.dynamic
	r := References{make(map[string]bool, len(d.Middlewares)), make(map[string]bool, len(d.Services)), map[string]bool{}}
	collect(c, r, d.Routers)
	collect(c, r, d.Services)
	collect(c, r, d.Middlewares)
	for _, e := range d.Static.EntryPoints { // what they give all their routers
		for _, m := range e.HTTP.Middlewares {
			if !strings.Contains(m, "@") {
				m += "@docker"
			}
			r.Middlewares[m] = true
		}
	}
	return r
}

// tcp and udp are those of the other parts.
func (c *checker) tcp() References {
	r := newReferences()
	collect(c, r, c.dynamic.TCP.Routers)
	collect(c, r, c.dynamic.TCP.Services)
	return r
}

func (c *checker) udp() References {
	r := newReferences()
	collect(c, r, c.dynamic.UDP.Routers)
	collect(c, r, c.dynamic.UDP.Services)
	return r
}

func newReferences() References {
	return References{map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

// reference is a name that a definition refers to.
type reference struct {
	to   target
	name string
}

func collect[V any](c *checker, r References, m map[string]*V) {
	for _, v := range m {
		known := c.of(v)
		if !known.walked {
			known.walked, known.refers = true, walk(nil, reflect.ValueOf(v))
		}
		for _, ref := range known.refers {
			switch ref.to {
			case toMiddlewares:
				r.Middlewares[ref.name] = true
			case toService:
				r.Services[ref.name] = true
			case toTransport:
				r.Transports[ref.name] = true
			case toFields:
			}
		}
	}
}

// walk adds what the fields refer to.
func walk(list []reference, v reflect.Value) []reference {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			list = walk(list, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			list = walk(list, v.Index(i))
		}
	case reflect.Struct:
		for _, field := range fieldsOf(v.Type()) {
			switch f := v.Field(field.index); field.to {
			case toMiddlewares:
				for j := range f.Len() {
					list = append(list, reference{toMiddlewares, f.Index(j).String()})
				}
			case toService, toTransport:
				list = append(list, reference{field.to, f.String()})
			default:
				list = walk(list, f)
			}
		}
	}
	return list
}

// field is one that refers to something, or that holds some which may.
type field struct {
	index int
	to    target
}

type target int

const (
	toFields target = iota
	toMiddlewares
	toService
	toTransport
)

var fieldLists sync.Map // of a struct's type: its fields

// fieldsOf are those of a struct, whose names say of what kind they are.
func fieldsOf(t reflect.Type) []field {
	if list, ok := fieldLists.Load(t); ok {
		return list.([]field)
	}
	var list []field
	service := t == reflect.TypeFor[config.WeightedService]() || t == reflect.TypeFor[config.Mirror]()
	for i := range t.NumField() {
		switch f := t.Field(i); {
		case f.Name == "Middlewares" && f.Type.Kind() == reflect.Slice:
			list = append(list, field{i, toMiddlewares})
		case f.Name == "Service" || f.Name == "Fallback" || f.Name == "Name" && service:
			list = append(list, field{i, toService})
		case f.Name == "ServersTransport":
			list = append(list, field{i, toTransport})
		case f.Name == "Origin":
		case f.Type.Kind() == reflect.Struct || f.Type.Kind() == reflect.Pointer || f.Type.Kind() == reflect.Slice:
			list = append(list, field{i, toFields})
		}
	}
	fieldLists.Store(t, list)
	return list
}

// unused reports definitions that nothing refers to. Those of the base layer are
// there for others.
func (c *checker) unused() {
	d := c.dynamic
	http, tcp, udp := c.http(), c.tcp(), c.udp()
	mistaken(http.Middlewares, d.Middlewares)
	mistaken(http.Services, d.Services)
	mistaken(http.Transports, d.ServersTransports)
	c.placeholders(http.Services)
	unused(c, "http.middlewares", d.Middlewares, http.Middlewares, func(v *config.Middleware) config.Origin { return v.Origin })
	unused(c, "http.services", d.Services, http.Services, func(v *config.Service) config.Origin { return v.Origin })
	unused(c, "http.serversTransports", d.ServersTransports, http.Transports,
		func(v *config.ServersTransport) config.Origin { return v.Origin })
	unused(c, "tcp.middlewares", d.TCP.Middlewares, tcp.Middlewares, func(v *config.TCPMiddleware) config.Origin { return v.Origin })
	unused(c, "tcp.services", d.TCP.Services, tcp.Services, func(v *config.TCPService) config.Origin { return v.Origin })
	unused(c, "tcp.serversTransports", d.TCP.ServersTransports, tcp.Transports,
		func(v *config.TCPServersTransport) config.Origin { return v.Origin })
	unused(c, "udp.services", d.UDP.Services, udp.Services, func(v *config.UDPService) config.Origin { return v.Origin })
}

// mistaken adds to the references what those that lead nowhere were probably meant to
// be: that they lead nowhere is reported.
func mistaken[V any](used map[string]bool, known map[string]V) {
	var missed, names []string // all names, sorted, once one is missed
	for name := range used {
		if _, ok := known[name]; !ok {
			missed = append(missed, name)
		}
	}
	for _, name := range missed {
		if names == nil {
			names = slices.Sorted(maps.Keys(known))
		}
		if near := config.Nearest(name, names); near != "" {
			used[near] = true
		}
	}
}

// placeholders adds the services that Traefik asks for of containers whose routers
// lead to its own services.
func (c *checker) placeholders(used map[string]bool) {
	own := map[config.Scope]bool{}
	scope := func(o config.Origin) config.Scope {
		return config.Scope{Provider: o.Provider, Service: o.Service, Layer: o.Layer}
	}
	for _, r := range c.dynamic.Routers {
		if strings.HasSuffix(r.Service, "@internal") {
			own[scope(r.Origin)] = true
		}
	}
	for name, s := range c.dynamic.Services {
		if own[scope(s.Origin)] {
			used[name] = true
		}
	}
}

func unused[V any](c *checker, kind string, all map[string]V, used map[string]bool, origin func(V) config.Origin) {
	each(c, all, func(name string, v V) {
		o := origin(v)
		if used[name] || o.Layer == 0 || o.Line == 0 { // without a line nobody wrote it
			return
		}
		what := strings.TrimSuffix(kind[strings.IndexByte(kind, '.')+1:], "s")
		c.at(o, kind, name).report(config.Notice, "", fmt.Sprintf("the %s %q is not used", what, bare(name)), "refer to it, or remove it")
	})
}
