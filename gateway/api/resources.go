package api

import (
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/routes"
	"axion/gateway/routing"
	"axion/gateway/secret"
	"axion/web/view"
)

// object is a part of the configuration as the API shows it: as its author wrote it.
func object[T any](name string, v *T, written map[string]*T, o config.Origin) Object {
	if w := written[name]; w != nil {
		v = w
	}
	m := NewObject(name, v)
	if o.File != "" {
		m["origin"] = routes.OriginOf(o)
	}
	return m
}

// typed is object with what kind of service or middleware it is.
func typed[T any](name string, v *T, written map[string]*T, o config.Origin) Object {
	m := object(name, v, written, o)
	m["type"] = Type(v)
	return m
}

func httpLists(t *routing.Table) map[string]List {
	d, w := t.Dynamic, t.Dynamic.Written
	routers, services, middlewares := List{}, List{}, List{}
	for name, c := range d.Services {
		services[name] = typed(name, c, w.Services, c.Origin)
	}
	for name, c := range d.Middlewares {
		middlewares[name] = typed(name, c, w.Middlewares, c.Origin)
	}
	for name, s := range t.Services {
		describeService(services, name, s)
	}
	for key, w := range t.Middlewares {
		if m := middlewares[key[1]]; m != nil && w.Err != nil {
			m["status"], m["error"] = string(view.RouteDisabled), []string{secret.URL(w.Err.Error())}
		}
	}
	for _, r := range t.Routers {
		routers[r.Name] = describeRouter(t, r)
		describeOwn(middlewares, r)
		services.UsedBy(r.Name, r.Config.Service)
		middlewares.UsedBy(r.Name, r.Config.Middlewares...)
		for _, e := range r.EntryPoints { // which gives its routers its own
			middlewares.UsedBy(r.Name, e.Config.HTTP.Middlewares...)
		}
	}
	for name, s := range services {
		middlewares.UsedBy(name, s.Strings("middlewares")...)
	}
	return map[string]List{"routers": routers, "services": services, "middlewares": middlewares}
}

// describeRouter shows a router's effective settings and its state.
func describeRouter(t *routing.Table, r *routing.Router) Object {
	c := r.Config
	if w := t.Dynamic.Written.Routers[r.Name]; w != nil {
		c = w
	}
	if len(r.EntryPoints) > 0 {
		c = Observed(c, r.EntryPoints[0].Config.Observability)
	}
	m := object(r.Name, c, nil, r.Config.Origin)
	d := routes.Describe(r)
	m["status"], m["priority"], m["priorityStr"], m["origin"] = string(d.Status), d.Priority, strconv.Itoa(d.Priority), d.Origin
	if len(d.Errors) > 0 {
		m["error"] = d.Errors
	}
	if len(r.Config.EntryPoints) == 0 {
		m["entryPoints"] = namesOfEntries(t.EntryPoints.Defaults())
	}
	m["using"] = using(r)
	showTLS(m, r)
	if strings.HasSuffix(r.Name, routing.InternalSuffix) {
		m["ruleSyntax"], m["middlewares"] = "default", localAll(r.Config.Middlewares)
	}
	return m
}

// using are the entrypoints that the router serves, by the names that it calls them.
func using(r *routing.Router) []string {
	list := []string{}
	for _, e := range r.EntryPoints {
		name := e.GivenName()
		for _, called := range r.Config.EntryPoints {
			if slices.Contains(e.Names, called) {
				name = called
				break
			}
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// showTLS adds the TLS settings that the router has, or that its entrypoint gives it.
func showTLS(m Object, r *routing.Router) {
	for _, e := range r.EntryPoints {
		if e.TLS == nil {
			continue
		}
		if m["tls"] == nil {
			m["tls"] = map[string]any(TLS(e.TLS))
		}
		if tls, _ := m["tls"].(map[string]any); tls["options"] == nil {
			tls["options"] = routing.DefaultTLSOptions
		}
		return
	}
}

// describeService adds the state of a service, and of those of the gateway's own that
// are in use.
func describeService(list List, name string, s *routing.Service) {
	if s == nil {
		return
	}
	if s.IsInternal() {
		list[name] = Object{"name": name, "provider": strings.TrimPrefix(routing.InternalSuffix, "@"), "status": string(view.RouteEnabled)}
		return
	}
	m := list[name]
	if m == nil {
		return
	}
	states := map[string]string{}
	for _, at := range routes.ServersOf(s) {
		states[at.URL] = string(at.Status)
	}
	if len(states) > 0 {
		m["serverStatus"] = states
	}
	if s.Err != nil {
		m["status"], m["error"] = string(view.RouteDisabled), []string{secret.URL(s.Err.Error())}
	}
}

// describeOwn adds the middlewares that a router of an entrypoint brings along.
func describeOwn(list List, r *routing.Router) {
	if !strings.HasSuffix(r.Name, routing.InternalSuffix) {
		return
	}
	for _, w := range r.Middlewares {
		if list[w.Name] == nil {
			list[w.Name] = typed(w.Name, &w.Config, nil, r.Config.Origin)
		}
	}
}

func namesOfEntries(points []*routing.EntryPoint) []string {
	list := []string{}
	for _, e := range points {
		list = append(list, e.GivenName())
	}
	return list
}

func localAll(names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = config.BareName(n)
	}
	return list
}
