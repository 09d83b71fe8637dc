package api

import (
	"strconv"

	"axion/gateway/config"
	"axion/gateway/routes"
	"axion/gateway/routing"
	"axion/gateway/secret"
	"axion/web/view"
)

// layer4Router is a TCP or UDP router as the API shows it.
type layer4Router struct {
	name, service string
	middlewares   []string
	entryPoints   []string
	enabled       bool
	findings      []finding
}

type finding struct {
	severity config.Severity
	message  string
}

// tcpLists are the parts of TCP's configuration, with their states.
func tcpLists(t *routing.Table) map[string]List {
	d, w := t.Dynamic.TCP, t.Dynamic.Written.TCP
	all := map[string]List{"routers": {}, "services": {}, "middlewares": {}}
	for name, c := range d.Routers {
		m := object(name, c, w.Routers, c.Origin)
		if tls, ok := m["tls"].(map[string]any); ok {
			tls["passthrough"] = c.TLS.Passthrough
		}
		all["routers"][name] = m
	}
	for name, c := range d.Services {
		all["services"][name] = typed(name, c, w.Services, c.Origin)
	}
	for name, c := range d.Middlewares {
		all["middlewares"][name] = typed(name, c, nil, c.Origin)
	}
	for _, r := range t.TCP.Routes() {
		shown := layer4Router{r.Name, r.Config.Service, r.Config.Middlewares, r.EntryPoints, r.Enabled, nil}
		for _, f := range r.Findings {
			shown.findings = append(shown.findings, finding{f.Severity, f.Message})
		}
		shown.put(all)
		if m := all["routers"][r.Name]; m != nil {
			m["priority"], m["priorityStr"] = r.Priority, strconv.Itoa(r.Priority)
			if m["entryPoints"] == nil {
				m["entryPoints"] = namesOfEntries(t.EntryPoints.Defaults())
			}
		}
	}
	for name, servers := range t.TCP.Servers() {
		states := map[string]string{}
		for _, s := range servers {
			states[s.Address] = string(routes.ServerStatus(s.Up))
		}
		if m := all["services"][name]; m != nil {
			m["serverStatus"] = states
		}
	}
	return all
}

// udpLists are the parts of UDP's configuration, with their states.
func udpLists(t *routing.Table) map[string]List {
	d, w := t.Dynamic.UDP, t.Dynamic.Written.UDP
	all := map[string]List{"routers": {}, "services": {}}
	for name, c := range d.Routers {
		all["routers"][name] = object(name, c, w.Routers, c.Origin)
	}
	for name, c := range d.Services {
		all["services"][name] = typed(name, c, w.Services, c.Origin)
	}
	for _, r := range t.UDP.Routes() {
		shown := layer4Router{r.Name, r.Config.Service, nil, r.EntryPoints, r.Enabled, nil}
		for _, f := range r.Findings {
			shown.findings = append(shown.findings, finding{f.Severity, f.Message})
		}
		shown.put(all)
	}
	return all
}

// put adds the state of the router, and to what it uses that it does.
func (r layer4Router) put(all map[string]List) {
	m := all["routers"][r.name]
	if m == nil {
		return
	}
	m["status"], m["using"] = string(view.RouteEnabled), r.entryPoints
	var errs []string
	for _, f := range r.findings {
		if f.severity != config.Notice {
			errs = append(errs, secret.URL(f.message))
		}
	}
	switch {
	case !r.enabled:
		m["status"] = string(view.RouteDisabled)
	case len(errs) > 0:
		m["status"] = string(view.RouteWarning)
	}
	if len(errs) > 0 {
		m["error"] = errs
	}
	all["services"].UsedBy(r.name, r.service)
	all["middlewares"].UsedBy(r.name, r.middlewares...)
}
