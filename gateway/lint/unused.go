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
	r := newReferences()
	collect(r, d.Routers)
	collect(r, d.Services)
	collect(r, d.Middlewares)
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

// refersTCP and refersUDP are [Refers] for the other parts.
func refersTCP(d *config.Dynamic) References {
	r := newReferences()
	collect(r, d.TCP.Routers)
	collect(r, d.TCP.Services)
	return r
}

func refersUDP(d *config.Dynamic) References {
	r := newReferences()
	collect(r, d.UDP.Routers)
	collect(r, d.UDP.Services)
	return r
}

func newReferences() References {
	return References{map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

func collect[V any](r References, m map[string]*V) {
	for _, v := range m {
		r.walk(reflect.ValueOf(v))
	}
}

// walk looks for the fields that refer to something.
func (r References) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			r.walk(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			r.walk(v.Index(i))
		}
	case reflect.Struct:
		for _, field := range fieldsOf(v.Type()) {
			switch f := v.Field(field.index); field.to {
			case toMiddlewares:
				for j := range f.Len() {
					r.Middlewares[f.Index(j).String()] = true
				}
			case toService:
				r.Services[f.String()] = true
			case toTransport:
				r.Transports[f.String()] = true
			default:
				r.walk(f)
			}
		}
	}
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

// fieldsOf are those of a struct, whose names tell of what kind they are.
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

// unused tells of definitions that nothing refers to. Those of the base layer are
// there for others.
func (c *checker) unused() {
	d := c.dynamic
	http, tcp, udp := Refers(d), refersTCP(d), refersUDP(d)
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
// be: that they lead nowhere is told.
func mistaken[V any](used map[string]bool, known map[string]V) {
	var names []string // sorted, once one is missed
	for _, name := range slices.Collect(maps.Keys(used)) {
		if _, ok := known[name]; ok {
			continue
		}
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
		c.at(o, kind, name).tell(config.Notice, "", fmt.Sprintf("the %s %q is not used", what, bare(name)), "refer to it, or remove it")
	})
}
