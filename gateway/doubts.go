package gateway

import (
	"maps"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/lint"
)

// warnSettings tells of settings of routers, middlewares and services that do nothing,
// or something else than they seem to.
func (b *builder) warnSettings() {
	for _, name := range slices.Sorted(maps.Keys(b.dynamic.Routers)) {
		r := b.dynamic.Routers[name]
		b.warnFindings("http.routers."+local(name), r.Origin, lint.Router(r))
	}
	for _, name := range slices.Sorted(maps.Keys(b.dynamic.Middlewares)) {
		m := b.dynamic.Middlewares[name]
		b.warnFindings("http.middlewares."+local(name), m.Origin, lint.Middleware(m))
	}
	for _, name := range slices.Sorted(maps.Keys(b.dynamic.Services)) {
		s := b.dynamic.Services[name]
		b.warnFindings("http.services."+local(name), s.Origin, lint.Service(s))
	}
}

func (b *builder) warnFindings(of string, o config.Origin, findings []lint.Finding) {
	for _, f := range findings {
		p := config.Problem{Severity: config.Warning, Service: o.Service, Message: f.Message, Hint: f.Hint, Label: "traefik." + of + "." + strings.ToLower(f.Path)}
		if p.File, p.Line = b.dynamic.Place(p.Label, o); o.Provider == "file" {
			p.Label, p.Message = "", of+"."+f.Path+": "+f.Message
		}
		b.problems = append(b.problems, p)
	}
}
