package routing

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/middleware"
	"axion/gateway/proxy"
)

// validateUnused reports what is wrong with services and middlewares that no router uses, and
// that were therefore not built.
func (b *builder) validateUnused() {
	dry := newBuilder(b.Dynamic, nil, b.deps)
	dry.deps.Proxy, dry.dry = proxy.New(proxy.Options{Dry: true}), true
	for _, name := range namesBut(b.Dynamic.Services, b.Services) {
		if s := dry.service(name); s.Err != nil {
			b.warnUnused("service", name, b.Dynamic.Services[name].Origin, s.Err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Dynamic.ServersTransports)) {
		if b.transports[name] != nil || dry.transports[name] != nil {
			continue
		}
		if t := dry.transport(name); t.err != nil {
			b.warnUnused("serversTransport", name, b.Dynamic.ServersTransports[name].Origin, t.err)
		}
	}
	for _, s := range dry.Services {
		if s != nil && s.Service != nil {
			s.Close()
		}
	}
	b.validateUnusedMiddlewares()
}

// validateUnusedMiddlewares is validateUnused for middlewares alone. Chains are nothing
// but names.
func (b *builder) validateUnusedMiddlewares() {
	built := make(map[string]bool, len(b.Middlewares))
	for key := range b.Middlewares {
		built[key[1]] = true
	}
	for _, r := range b.Routers {
		for _, w := range r.Middlewares {
			built[w.Name] = true
		}
	}
	env := b.deps.Middleware
	env.Service = b.errorPages
	for _, name := range namesBut(b.Dynamic.Middlewares, built) {
		c := b.Dynamic.Middlewares[name]
		if c.Chain != nil {
			continue
		}
		if _, err := middleware.Build(c, env); err != nil {
			b.warnUnused("middleware", name, c.Origin, err)
		}
	}
}

// warnUnused reports what is wrong with an HTTP service, middleware or serversTransport.
func (b *builder) warnUnused(kind, name string, o config.Origin, err error) {
	name = config.BareName(name)
	path, _ := b.settingIn(o, "http."+kind+"s."+name, err)
	b.Problems = append(b.Problems, b.Dynamic.Problem(config.Warning, o, path,
		fmt.Sprintf("the %s %q, which is not used: %v", kind, name, err), hint.Of(err)))
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
func (b *state) settingIn(o config.Origin, path string, err error) (setting string, found bool) {
	if name := fieldName.FindString(err.Error()); name != "" {
		return b.Dynamic.Within(o, path, name)
	}
	return path, false
}

// locateError has the last finding of r name the setting of a definition that is at fault.
func (b *serviceBuilder) locateError(r *Router, o config.Origin, path string, err error) {
	at, found := b.settingIn(o, path, err)
	if m, ok := errors.AsType[*hintError](err); ok && m.label != "" {
		at, found = strings.TrimPrefix(m.label, "traefik."), true
	}
	if found {
		f := &r.Findings[len(r.Findings)-1]
		f.Origin, f.Path = o, at
	}
}
