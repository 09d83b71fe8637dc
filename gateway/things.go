package gateway

import (
	"slices"
	"strconv"
	"strings"

	"axion/gateway/api"
	"axion/gateway/config"
)

// rawData is everything, as Traefik tells it, and the problems as we do.
func (g *Gateway) rawData() map[string]any {
	data := map[string]any{"problems": append([]config.Problem{}, g.Problems()...)}
	t := g.table.Load()
	for _, protocol := range []string{"http", "tcp", "udp"} {
		for kind, list := range g.lists(t, protocol) {
			name := kind
			if protocol != "http" {
				name = protocol + strings.ToUpper(kind[:1]) + kind[1:]
			}
			if len(list) > 0 || protocol == "http" {
				data[name] = list
			}
		}
	}
	return data
}

// lists tells routers, services and middlewares of one protocol, or is nil. What is
// the stack's own is left out where nobody but the user has routes.
func (g *Gateway) lists(t *table, protocol string) map[string]api.List {
	var lists map[string]api.List
	switch protocol {
	case "http":
		lists = t.httpLists()
	case "tcp":
		lists = t.tcpLists()
	case "udp":
		lists = t.udpLists()
	}
	if g.hideBase {
		for _, list := range lists {
			for name, o := range list {
				if at, ok := o["origin"].(Origin); ok && at.base {
					delete(list, name)
				}
			}
		}
	}
	return lists
}

// object is a part of the configuration as the API shows it: as its author wrote it.
func object[T any](name string, v *T, written map[string]*T, o config.Origin) api.Object {
	if w := written[name]; w != nil {
		v = w
	}
	m := api.New(name, v)
	if o.File != "" {
		m["origin"] = originOf(o)
	}
	return m
}

// typed is object with what kind of service or middleware it is.
func typed[T any](name string, v *T, written map[string]*T, o config.Origin) api.Object {
	m := object(name, v, written, o)
	m["type"] = api.Type(v)
	return m
}

func (t *table) httpLists() map[string]api.List {
	d, w := t.dynamic, t.dynamic.Written
	routers, services, middlewares := api.List{}, api.List{}, api.List{}
	for name, c := range d.Services {
		services[name] = typed(name, c, w.Services, c.Origin)
	}
	for name, c := range d.Middlewares {
		middlewares[name] = typed(name, c, w.Middlewares, c.Origin)
	}
	for name, s := range t.services {
		t.describeService(services, name, s)
	}
	for key, w := range t.middlewares {
		if m := middlewares[key[1]]; m != nil && w.err != nil {
			m["status"], m["error"] = Disabled, []string{hideURL(w.err.Error())}
		}
	}
	for _, r := range t.routes {
		routers[r.name] = t.describeRouter(r)
		t.describeOwn(middlewares, r)
		services.UsedBy(r.name, r.config.Service)
		middlewares.UsedBy(r.name, r.config.Middlewares...)
		for _, e := range r.entries { // which gives its routers its own
			middlewares.UsedBy(r.name, e.config.HTTP.Middlewares...)
		}
	}
	for name, s := range services {
		middlewares.UsedBy(name, s.Strings("middlewares")...)
	}
	return map[string]api.List{"routers": routers, "services": services, "middlewares": middlewares}
}

// describeRouter tells a router's effective settings and its state.
func (t *table) describeRouter(r *route) api.Object {
	c := r.config
	if w := t.dynamic.Written.Routers[r.name]; w != nil {
		c = w
	}
	if len(r.entries) > 0 {
		c = api.Observed(c, r.entries[0].config.Observability)
	}
	m := object(r.name, c, nil, r.config.Origin)
	d := r.describe()
	m["status"], m["priority"], m["priorityStr"], m["origin"] = d.Status, d.Priority, strconv.Itoa(d.Priority), d.Origin
	if len(d.Errors) > 0 {
		m["error"] = d.Errors
	}
	if len(r.config.EntryPoints) == 0 {
		m["entryPoints"] = namesOfEntries(t.entries.defaults())
	}
	m["using"] = using(r)
	showTLS(m, r)
	if strings.HasSuffix(r.name, internalSuffix) {
		m["ruleSyntax"], m["middlewares"] = "default", localAll(r.config.Middlewares)
	}
	return m
}

// using are the entrypoints that the router serves, by the names that it calls them.
func using(r *route) []string {
	list := []string{}
	for _, e := range r.entries {
		name := e.called()
		for _, called := range r.config.EntryPoints {
			if slices.Contains(e.names, called) {
				name = called
				break
			}
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// showTLS tells the TLS settings that the router has, or that its entrypoint gives it.
func showTLS(m api.Object, r *route) {
	for _, e := range r.entries {
		if e.tls == nil {
			continue
		}
		if m["tls"] == nil {
			m["tls"] = map[string]any(api.TLS(e.tls))
		}
		if tls, _ := m["tls"].(map[string]any); tls["options"] == nil {
			tls["options"] = defaultOptions
		}
		return
	}
}

// describeService tells the state of a service, and of those of the gateway's own that
// are in use.
func (t *table) describeService(list api.List, name string, s *service) {
	if s == nil {
		return
	}
	if s.internal() {
		list[name] = api.Object{"name": name, "provider": strings.TrimPrefix(internalSuffix, "@"), "status": Enabled}
		return
	}
	m := list[name]
	if m == nil {
		return
	}
	states := map[string]string{}
	for _, at := range s.describe() {
		states[at.URL] = at.Status
	}
	if len(states) > 0 {
		m["serverStatus"] = states
	}
	if s.err != nil {
		m["status"], m["error"] = Disabled, []string{hideURL(s.err.Error())}
	}
}

// describeOwn adds the middlewares that a router of an entrypoint brings along.
func (t *table) describeOwn(list api.List, r *route) {
	if !strings.HasSuffix(r.name, internalSuffix) {
		return
	}
	for _, w := range r.wares {
		if list[w.name] == nil {
			list[w.name] = typed(w.name, &w.config, nil, r.config.Origin)
		}
	}
}

func namesOfEntries(points []*entrypoint) []string {
	list := []string{}
	for _, e := range points {
		list = append(list, e.called())
	}
	return list
}

// called is the name that the entrypoint was given, where it was given one.
func (e *entrypoint) called() string { return e.names[len(e.names)-1] }

func localAll(names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = local(n)
	}
	return list
}
