package tcp

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/layer4"
	"axion/gateway/rule"
)

const defaultTLS = "default" // the name of the TLS options that are always there

// builder makes tables.
type builder struct {
	*Tables
	known  layer4.Services[config.TCPService, *service]
	config *config.TCP
	opts   Options
	old    *Tables
}

// Build makes tables of c. Nothing runs until [Tables.Start].
func Build(c *config.TCP, opts Options) *Tables {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if len(c.Routers) == 0 {
		return &Tables{}
	}
	b := &builder{
		Tables: &Tables{
			tables: make(map[string]*Table), services: make(map[string]*service),
			transports: make(map[string]*transport), middlewares: make(map[string]*middleware),
		},
		config: c, opts: opts, old: cmp.Or(opts.Old, &Tables{}),
	}
	b.known = layer4.Services[config.TCPService, *service]{Configs: c.Services, Built: b.services, Build: b.buildService,
		Failed: func(err error) *service { return &service{err: err} }}
	for _, name := range slices.Sorted(maps.Keys(c.Routers)) {
		b.routes = append(b.routes, b.route(name, c.Routers[name]))
	}
	b.sortRoutes()
	return b.Tables
}

func (b *builder) route(name string, c *config.TCPRouter) *route {
	r := &route{name: name, config: c, priority: c.Priority}
	if c.Priority > config.MaxPriority {
		r.refuse("priority", fmt.Sprintf("the priority %d is kept for the gateway's own routers", c.Priority),
			fmt.Sprintf("give it %d at most", config.MaxPriority))
	}
	if c.RuleSyntax != "" && c.RuleSyntax != "v3" {
		r.refuse("rulesyntax", fmt.Sprintf("the rule syntax %q is not supported", c.RuleSyntax),
			"write the rule in v3's syntax and remove the setting")
	}
	var err error
	if r.rule, err = rule.ParseTCP(c.Rule); err != nil {
		r.refuse("rule", err.Error(), hint.Of(err))
	} else {
		r.priority = cmp.Or(c.Priority, r.rule.Priority())
		for _, d := range r.rule.Doubts() {
			r.warn("rule", d.String(), d.Hint)
		}
		b.checkTLS(r)
	}
	b.assignEntryPoints(r)
	for _, middleware := range c.Middlewares {
		b.addMiddleware(r, middleware)
	}
	b.serve(r)
	return r
}

// checkTLS checks whether the router's TLS and its rule go together.
func (b *builder) checkTLS(r *route) {
	c := r.config.TLS
	if c == nil {
		if r.rule.AsksForName() {
			r.refuse("rule", "without TLS a client tells no server name and no protocol: only HostSNI(`*`) and ClientIP can be asked",
				"write HostSNI(`*`), or add "+r.config.Origin.Assign("tcp.routers."+config.BareName(r.name)+".tls", "true"))
		}
		return
	}
	if c.Passthrough {
		if c.Options != "" || c.CertResolver != "" || len(c.Domains) > 0 {
			r.warn("tls.passthrough", "TLS is passed through to the server: the router's other tls settings are of no effect",
				"remove them, or passthrough")
		}
		return
	}
	if c.Options != "" && c.Options != defaultTLS && b.opts.TLSOptions != nil && !b.opts.TLSOptions(c.Options) {
		r.refuse("tls.options", fmt.Sprintf("the TLS options %q do not exist", c.Options),
			"without a provider a name is looked up with the router's own: write "+config.BareName(c.Options)+"@file for those of a file")
	}
}

// assignEntryPoints decides which entrypoints the router serves.
func (b *builder) assignEntryPoints(r *route) {
	known := "the entrypoints are " + strings.Join(slices.Sorted(maps.Keys(b.opts.EntryPoints)), ", ")
	if len(r.config.EntryPoints) == 0 {
		r.entries = slices.Clone(b.opts.Defaults)
		if r.rule != nil && r.rule.CatchAll() && r.config.TLS == nil {
			r.warn("entrypoints", "it names no entrypoint, and so takes every connection of "+strings.Join(r.entries, " and ")+
				": HTTP routers there get none", "name its entrypoint")
		}
		return
	}
	for _, name := range r.config.EntryPoints {
		e, ok := b.opts.EntryPoints[name]
		if !ok {
			r.warn("entrypoints", fmt.Sprintf("entrypoint %q does not exist", name), known)
		} else if !slices.Contains(r.entries, e) {
			r.entries = append(r.entries, e)
		}
	}
	if len(r.entries) == 0 {
		r.refuse("entrypoints", "none of the router's entrypoints exists", known)
	}
}

// addMiddleware gives the router a middleware.
func (b *builder) addMiddleware(r *route, name string) {
	w := b.middleware(name)
	switch {
	case w == nil:
		r.refuse("middlewares", fmt.Sprintf("middleware %q does not exist", name), config.DidYouMean(name, b.config.Middlewares))
	case w.err != nil:
		r.refuse("middlewares", fmt.Sprintf("middleware %q: %v", name, w.err), hint.Of(w.err))
	default:
		r.middlewares = append(r.middlewares, w)
	}
}

// serve gives the router its service.
func (b *builder) serve(r *route) {
	s, err := b.known.ForRouter(r.config.Service, r.config.Origin, "tcp.routers."+config.BareName(r.name)+".service")
	if err != nil {
		r.refuse("service", err.Error(), hint.Of(err))
		return
	}
	r.service = s
	if s.warning != "" {
		r.warn("service", fmt.Sprintf("service %q: %s", r.config.Service, s.warning), s.hint)
	}
}
