package api

import (
	"axion/gateway/config"
	"axion/gateway/entrypoint"
	"axion/gateway/routing"
	"axion/web/view"
	"strings"
)

// snapshot shows one table in Traefik's shapes.
type snapshot struct {
	table    *routing.Table
	open     *entrypoint.Set
	hideBase bool
}

// snapshot is that of the table in force.
func (a *API) snapshot() snapshot { return snapshot{a.Table(), a.EntryPoints, a.HideBase} }

// rawData is everything in Traefik's shape, with the problems.
func (s snapshot) rawData() map[string]any {
	data := map[string]any{"problems": append([]config.Problem{}, problemsOf(s.table)...)}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		for kind, list := range s.lists(protocol) {
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

// lists are the routers, services and middlewares of one protocol, or nil. What is
// the stack's own is left out where nobody but the user has routes.
func (s snapshot) lists(protocol string) map[string]List {
	var lists map[string]List
	switch protocol {
	case "http":
		lists = httpLists(s.table)
	case "tcp":
		lists = tcpLists(s.table)
	case "udp":
		lists = udpLists(s.table)
	}
	if s.hideBase {
		for _, list := range lists {
			for name, o := range list {
				if at, ok := o["origin"].(view.Origin); ok && at.Builtin {
					delete(list, name)
				}
			}
		}
	}
	return lists
}

// entryPoints are those that are open, with their settings.
func (s snapshot) entryPoints() []Object {
	list := []Object{}
	for _, e := range s.open.List(s.table) {
		o := Object{}
		if at := s.table.EntryPoints[e.Name]; at != nil {
			o = EntryPoint(at.Config)
		}
		o["name"], o["names"], o["address"] = e.Name, e.Names, e.Address
		list = append(list, o)
	}
	return list
}

// overview counts by protocol and status.
func (s snapshot) overview() map[string]any {
	static := s.table.Dynamic.Static
	all := map[string]any{"features": map[string]any{"tracing": "", "metrics": "Prometheus", "accessLog": static.AccessLog != nil,
		"hub": false}}
	known := map[string]bool{"Docker": len(static.FileProviders) == 0, "File": len(static.FileProviders) > 0}
	for _, protocol := range []string{"http", "tcp", "udp"} {
		kinds := map[string]any{}
		for kind, list := range s.lists(protocol) {
			count := map[string]int{"total": len(list), "warnings": 0, "errors": 0}
			for _, o := range list {
				switch o["status"] {
				case string(view.RouteWarning):
					count["warnings"]++
				case string(view.RouteDisabled):
					count["errors"]++
				}
			}
			kinds[kind] = count
			for _, name := range list.Providers() {
				known[providerNames[name]] = true
			}
		}
		all[protocol] = kinds
	}
	providers := []string{}
	for _, name := range []string{"Docker", "File"} {
		if known[name] {
			providers = append(providers, name)
		}
	}
	all["providers"] = providers
	return all
}

// providerNames are Traefik's for those that are configured, by what follows the @ in
// names.
var providerNames = map[string]string{"docker": "Docker", "file": "File"}
