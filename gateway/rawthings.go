package gateway

import (
	"strings"

	"axion/gateway/config"
)

// rawRoute is a TCP or UDP router as the API shows it.
type rawRoute struct {
	name, service string
	middlewares   []string
	entryPoints   []string
	enabled       bool
	findings      []rawFinding
}

type rawFinding struct {
	severity config.Severity
	message  string
}

// tcpThings are the parts of TCP's configuration, with their states.
func (t *table) tcpThings() map[string]things {
	d := t.dynamic.TCP
	all := map[string]things{"routers": plainThings(d.Routers), "services": plainThings(d.Services), "middlewares": plainThings(d.Middlewares)}
	for _, r := range t.tcp.Routes() {
		raw := rawRoute{r.Name, r.Config.Service, r.Config.Middlewares, r.EntryPoints, r.Enabled, nil}
		for _, f := range r.Findings {
			raw.findings = append(raw.findings, rawFinding{f.Severity, f.Message})
		}
		raw.put(all)
		if m := all["routers"][r.Name]; m != nil {
			m["priority"] = r.Priority
		}
	}
	for name, servers := range t.tcp.Servers() {
		states := map[string]string{}
		for _, s := range servers {
			states[s.Address] = status(s.Up)
		}
		if m := all["services"][name]; m != nil {
			m["serverStatus"] = states
		}
	}
	return all
}

// udpThings are the parts of UDP's configuration, with their states.
func (t *table) udpThings() map[string]things {
	all := map[string]things{"routers": plainThings(t.dynamic.UDP.Routers), "services": plainThings(t.dynamic.UDP.Services)}
	for _, r := range t.udp.Routes() {
		raw := rawRoute{r.Name, r.Config.Service, nil, r.EntryPoints, r.Enabled, nil}
		for _, f := range r.Findings {
			raw.findings = append(raw.findings, rawFinding{f.Severity, f.Message})
		}
		raw.put(all)
	}
	return all
}

// put tells the router's state, and those that it uses of it.
func (r rawRoute) put(all map[string]things) {
	m := all["routers"][r.name]
	if m == nil {
		return
	}
	m["status"], m["using"] = Enabled, r.entryPoints
	var errs []string
	for _, f := range r.findings {
		if f.severity != config.Notice {
			errs = append(errs, f.message)
		}
	}
	switch {
	case !r.enabled:
		m["status"] = Disabled
	case len(errs) > 0:
		m["status"] = Warning
	}
	if len(errs) > 0 {
		m["error"] = errs
	}
	_, provider, _ := strings.Cut(r.name, "@")
	use := func(kind, name string) {
		if !strings.Contains(name, "@") {
			name += "@" + provider
		}
		if used := all[kind][name]; used != nil {
			users, _ := used["usedBy"].([]string)
			used["usedBy"] = append(users, r.name)
		}
	}
	use("services", r.service)
	for _, name := range r.middlewares {
		use("middlewares", name)
	}
}
