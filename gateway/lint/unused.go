package lint

import (
	"fmt"
	"reflect"
	"strings"

	"axion/gateway/config"
)

// References are the names, qualified by provider, of what a configuration refers
// to: middlewares, services and the servers' transports. What is defined and not
// among them serves nothing.
type References struct{ Middlewares, Services, Transports map[string]bool }

// Refers collects the references of the HTTP part of d.
func Refers(d *config.Dynamic) References {
	r := References{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	sorted(d.Routers, func(_ string, v *config.Router) { r.walk(reflect.ValueOf(*v)) })
	sorted(d.Services, func(_ string, v *config.Service) { r.walk(reflect.ValueOf(*v)) })
	sorted(d.Middlewares, func(_ string, v *config.Middleware) { r.walk(reflect.ValueOf(*v)) })
	return r.static(d)
}

// refersTCP and refersUDP are [Refers] for the other parts.
func refersTCP(d *config.Dynamic) References {
	r := References{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	sorted(d.TCP.Routers, func(_ string, v *config.TCPRouter) { r.walk(reflect.ValueOf(*v)) })
	sorted(d.TCP.Services, func(_ string, v *config.TCPService) { r.walk(reflect.ValueOf(*v)) })
	return r
}

func refersUDP(d *config.Dynamic) References {
	r := References{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	sorted(d.UDP.Routers, func(_ string, v *config.UDPRouter) { r.walk(reflect.ValueOf(*v)) })
	sorted(d.UDP.Services, func(_ string, v *config.UDPService) { r.walk(reflect.ValueOf(*v)) })
	return r
}

// static adds the middlewares that entrypoints give all their routers.
func (r References) static(d *config.Dynamic) References {
	sorted(d.Static.EntryPoints, func(_ string, e *config.EntryPoint) {
		for _, m := range e.HTTP.Middlewares {
			if !strings.Contains(m, "@") {
				m += "@docker"
			}
			r.Middlewares[m] = true
		}
	})
	return r
}

// walk looks for the fields that refer to something. Their names tell of what kind.
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
		service := v.Type() == reflect.TypeFor[config.WeightedService]() || v.Type() == reflect.TypeFor[config.Mirror]()
		for i := range v.NumField() {
			switch name, f := v.Type().Field(i).Name, v.Field(i); {
			case name == "Middlewares" && f.Kind() == reflect.Slice:
				for j := range f.Len() {
					r.Middlewares[f.Index(j).String()] = true
				}
			case name == "Service" || name == "Fallback" || name == "Name" && service:
				r.Services[f.String()] = true
			case name == "ServersTransport":
				r.Transports[f.String()] = true
			case name != "Origin":
				r.walk(f)
			}
		}
	}
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
	var names []string
	sorted(known, func(name string, _ V) { names = append(names, name) })
	sorted(used, func(name string, _ bool) {
		if _, ok := known[name]; !ok {
			if near := config.Nearest(name, names); near != "" {
				used[near] = true
			}
		}
	})
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
	sorted(all, func(name string, v V) {
		o := origin(v)
		if used[name] || o.Layer == 0 || o.Line == 0 { // without a line nobody wrote it
			return
		}
		what := strings.TrimSuffix(kind[strings.IndexByte(kind, '.')+1:], "s")
		c.at(o, kind, name).tell(config.Notice, "", fmt.Sprintf("the %s %q is not used", what, bare(name)), "refer to it, or remove it")
	})
}
