package gateway

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/middleware"
	"axion/gateway/proxy"
)

// unbuilt tells what is wrong with services and middlewares that no router uses, and
// that were therefore not built.
func (b *builder) unbuilt() {
	dry := newBuilder(b.gateway, b.dynamic, nil)
	dry.proxy, dry.dry = proxy.New(proxy.Options{Dry: true}), true
	for _, name := range namesBut(b.dynamic.Services, b.services) {
		if s := dry.service(name); s.err != nil {
			at := b.dynamic.Services[name].Origin
			path, _ := b.settingIn(at, "http.services."+local(name), s.err)
			b.problems = append(b.problems, b.dynamic.Problem(config.Warning, at, path, fmt.Sprintf("the service %q, which is not used: %v",
				local(name), s.err), mend(s.err)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.dynamic.ServersTransports)) {
		if b.transports[name] != nil || dry.transports[name] != nil {
			continue
		}
		if at := dry.transport(name); at.err != nil {
			o := b.dynamic.ServersTransports[name].Origin
			path, _ := b.settingIn(o, "http.serversTransports."+local(name), at.err)
			b.problems = append(b.problems, b.dynamic.Problem(config.Warning, o, path,
				fmt.Sprintf("the serversTransport %q, which is not used: %v", local(name), at.err), mend(at.err)))
		}
	}
	for _, s := range dry.services {
		if s != nil && s.Service != nil {
			s.Close()
		}
	}
	built := make(map[string]bool, len(b.middlewares))
	for key := range b.middlewares {
		built[key[1]] = true
	}
	for _, r := range b.routes {
		for _, w := range r.wares {
			built[w.name] = true
		}
	}
	for _, name := range namesBut(b.dynamic.Middlewares, built) {
		c := b.dynamic.Middlewares[name]
		if c.Chain != nil {
			continue
		}
		env := b.gateway.env
		env.Service = b.pages
		if _, err := middleware.Build(c, env); err != nil {
			path, _ := b.settingIn(c.Origin, "http.middlewares."+local(name), err)
			b.problems = append(b.problems, b.dynamic.Problem(config.Warning, c.Origin, path,
				fmt.Sprintf("the middleware %q, which is not used: %v", local(name), err), mend(err)))
		}
	}
}

// namesBut are the names of all that are not among some, in order.
func namesBut[V, W any](all map[string]V, some map[string]W) []string {
	var names []string
	for name := range all {
		if _, ok := some[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// fieldName is how an error begins that names a setting.
var fieldName = regexp.MustCompile(`^[a-z]+[A-Za-z0-9]*(?:\.[A-Za-z0-9]+)*`)

// settingIn is the setting that an error about a definition names first, where it is
// written there; else the definition itself, and false.
func (b *builder) settingIn(o config.Origin, path string, err error) (setting string, found bool) {
	if name := fieldName.FindString(err.Error()); name != "" {
		return b.dynamic.Within(o, path, name)
	}
	return path, false
}

// blame has the last finding of r name the setting of a definition that is at fault.
func (b *builder) blame(r *route, o config.Origin, path string, err error) {
	at, found := b.settingIn(o, path, err)
	if m, ok := errors.AsType[*mended](err); ok && m.label != "" {
		at, found = strings.TrimPrefix(m.label, "traefik."), true
	}
	if found {
		f := &r.findings[len(r.findings)-1]
		f.origin, f.path = o, at
	}
}
