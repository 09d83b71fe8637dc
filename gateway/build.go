package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hostname"
	"axion/gateway/lint"
	"axion/gateway/proxy"
)

// builder makes one table. What is unchanged since old is taken from there.
type builder struct {
	*table
	gateway *Gateway
	old     *table
	proxy   *proxy.Proxy
	linter  *lint.Checker
	steady  bool // see isSteady
	// dry looks for faults only: what is made is closed again, and nothing runs,
	// listens or asks.
	dry bool
}

func newBuilder(g *Gateway, d *config.Dynamic, old *table) *builder {
	if old == nil {
		old = &table{}
	}
	b := &builder{table: newTable(d, old), gateway: g, old: old}
	b.own = g.ownOf(b.table)
	b.steady = b.isSteady()
	return b
}

// build makes a table of d. The caller holds applying.
func (g *Gateway) build(d *config.Dynamic, old *table) *table {
	b := newBuilder(g, d, old)
	b.proxy, b.linter = g.proxy, &g.linter
	b.routers()
	b.review()
	b.old = &table{} // middlewares may hold the builder, and would hold every table before with it
	return b.table
}

// review puts the routes in order and tells what is doubtful about them.
func (b *builder) review() {
	b.arrange()
	b.chooseOptions()
	b.sharedPlaces()
	b.warnTies()
	b.warnShadows()
	b.unbuilt()
	b.problems = append(b.problems, b.linter.Check(b.dynamic)...)
	b.problems = append(b.problems, b.tcpUnreached()...)
	checked := map[config.Problem]bool{} // and told of
	for _, p := range b.dynamic.Problems {
		checked[p] = true
	}
	for _, p := range slices.Concat(b.tcpProblems(), b.udpProblems()) {
		if !checked[p] {
			b.problems = append(b.problems, p)
		}
	}
	for _, r := range b.routes {
		for _, f := range r.findings {
			if p := r.problem(f, b.dynamic); !checked[p] {
				b.problems = append(b.problems, p)
			}
		}
	}
}

// check tells which routers of d would be disabled, and why, without building
// what serves them: so that the provider can keep a file's last good version.
func (g *Gateway) check(d *config.Dynamic) []config.Problem {
	now := g.table.Load()
	b := g.buildDry(d, now)
	defer b.release(now)
	var problems []config.Problem
	for _, r := range b.routes {
		for _, f := range r.findings {
			problems = append(problems, r.problem(f, d))
		}
	}
	problems = append(append(problems, b.tcpProblems()...), b.udpProblems()...)
	return slices.DeleteFunc(problems, func(p config.Problem) bool { return p.Severity != config.Error })
}

// buildDry builds all that a table has, to find what is wrong with it. What is unchanged
// is taken from the table in force, which may be nil: the table made is to be released
// in favour of that one.
func (g *Gateway) buildDry(d *config.Dynamic, now *table) *builder {
	b := newBuilder(g, d, now)
	b.proxy, b.linter, b.dry = proxy.New(proxy.Options{Dry: true}), new(lint.Checker), true
	b.routers()
	return b
}

// routers builds the routers of the configuration and those that entrypoints
// bring along.
func (b *builder) routers() {
	b.takeOver()
	for _, name := range namesBut(b.dynamic.Routers, b.named) {
		b.add(b.route(name, b.dynamic.Routers[name]))
	}
	for _, e := range b.entries.all() {
		b.entryWares(e, config.Origin{}) // for what is wrong with them
		b.redirect(e)
	}
	b.ownRouters()
	b.refuseConflicts()
	for _, r := range b.routes {
		if r.clean {
			continue // as it was taken over
		}
		b.guarded(r)
		b.finish(r)
		r.clean = r.isClean()
	}
	b.tcpTables()
	b.udpTables()
}

// add puts a router of the configuration in the table.
func (b *builder) add(r *route) {
	b.routes = append(b.routes, r)
	b.named[r.name] = r
}

// maxPriority is the highest priority of users' routers, as in Traefik.
const maxPriority = math.MaxInt - 1000

func (b *builder) route(name string, c *config.Router) *route {
	r := &route{name: name, config: c, priority: cmp.Or(c.Priority, len(c.Rule))}
	b.enter(r)
	if c.Priority > config.MaxPriority {
		r.refuse("priority", fmt.Sprintf("the priority %d is kept for the gateway's own routers", c.Priority),
			fmt.Sprintf("give it %d at most", config.MaxPriority))
	}
	if c.RuleSyntax != "" && c.RuleSyntax != "v3" {
		r.refuse("rulesyntax", fmt.Sprintf("the rule syntax %q is not supported", c.RuleSyntax),
			"write the rule in v3's syntax and remove the setting")
	}
	var err error
	if r.rule, err = b.gateway.rules.Parse(c.Rule); err != nil {
		r.refuse("rule", err.Error(), mend(err))
	} else {
		for _, d := range r.rule.Doubts() {
			r.warn("rule", d.String(), d.Hint)
		}
		b.warnForeign(r)
	}
	if c.Priority > maxPriority {
		r.refuse("priority", fmt.Sprintf("the priority %d is above the highest one of users, %d", c.Priority, maxPriority),
			"Traefik refuses the router too: give it a lower one")
	}
	b.dress(r, c.Middlewares, nil)
	b.serve(r)
	return r
}

// serve gives r its service.
func (b *builder) serve(r *route) {
	name := r.config.Service
	s := b.service(name)
	switch {
	case s == nil:
		r.refuse("service", fmt.Sprintf("service %q does not exist", name), b.meantService(name))
	case s.err != nil:
		r.refuse("service", fmt.Sprintf("service %q: %v", name, s.err), mend(s.err))
		if c := b.dynamic.Services[name]; c != nil {
			b.blame(r, c.Origin, "http.services."+local(name), s.err)
		}
	default:
		r.service = s
	}
}

// finish makes the handlers of r, one for each of its entrypoints.
func (b *builder) finish(r *route) {
	if r.ready = !r.refused(); !r.ready || b.dry {
		return
	}
	var inner http.Handler = r.service
	for _, w := range slices.Backward(r.wares) {
		inner = w.wrap(inner)
	}
	for i, at := range r.entries {
		h := inner
		own := b.entryWares(at.entrypoint, r.config.Origin).list
		for _, w := range slices.Backward(own) {
			h = w.wrap(h)
		}
		r.entries[i].handler, r.entries[i].quiet = h, quietOf(r.config.Observability, at.config.Observability)
		r.entries[i].chain = slices.Concat(own, r.wares, r.service.wares)
		for _, w := range r.entries[i].chain {
			r.entries[i].wares = append(r.entries[i].wares, w.name)
		}
	}
}

// quietOf is what a router says of observability, and where it says nothing its
// entrypoint.
func quietOf(router, entrypoint *config.Observability) *config.Observability {
	if router == nil || entrypoint == nil {
		return cmp.Or(router, entrypoint)
	}
	return &config.Observability{
		AccessLogs: cmp.Or(router.AccessLogs, entrypoint.AccessLogs), Metrics: cmp.Or(router.Metrics, entrypoint.Metrics),
		Tracing: cmp.Or(router.Tracing, entrypoint.Tracing), TraceVerbosity: cmp.Or(router.TraceVerbosity, entrypoint.TraceVerbosity),
	}
}

// enter decides which entrypoints r serves: with TLS those that speak it, without
// TLS the others.
func (b *builder) enter(r *route) {
	points := b.entries.defaults()
	if len(r.config.EntryPoints) > 0 {
		points = nil
		for _, name := range r.config.EntryPoints {
			if e := b.entries[name]; e == nil || e.udp {
				r.warn("entrypoints", fmt.Sprintf("entrypoint %q does not exist", name), b.entries.known())
			} else if !slices.Contains(points, e) {
				points = append(points, e)
			}
		}
		if len(points) == 0 {
			r.refuse("entrypoints", "none of the router's entrypoints exists", b.entries.known())
			return
		}
	}
	var wrong []string
	for _, e := range points {
		secured := r.config.TLS
		if secured == nil && r.config.Origin.Layer > 0 {
			secured = entryTLS(e, r)
		}
		b.checkOptions(r, e, secured)
		if secured != nil && e.secure() || secured == nil && e.plain() {
			r.entries = append(r.entries, entry{entrypoint: e, tls: secured})
		} else {
			wrong = append(wrong, e.name)
		}
	}
	if len(r.config.EntryPoints) == 0 && len(r.entries) > 0 {
		return
	}
	for _, name := range wrong {
		r.misplaced(name)
	}
}

// entryTLS is what an entrypoint gives to a router without TLS of its own. As in
// Traefik options that are named without a provider are the router's provider's.
func entryTLS(e *entrypoint, r *route) *config.RouterTLS {
	t := e.config.HTTP.TLS
	if t == nil || t.Options == "" || t.Options == defaultOptions || strings.Contains(t.Options, "@") {
		return t
	}
	c := *t
	c.Options += "@" + r.config.Origin.Provider
	return &c
}

// checkOptions refuses TLS options that do not exist: the default ones may ask less
// of clients.
func (b *builder) checkOptions(r *route, e *entrypoint, c *config.RouterTLS) {
	if c == nil || c.Options == "" || c.Options == defaultOptions || b.dynamic.TLS.Options[c.Options] != nil || r.refused() {
		return
	}
	message := fmt.Sprintf("the TLS options %q do not exist", c.Options)
	if r.config.TLS == nil {
		message += fmt.Sprintf(": the entrypoint %s asks for them", e.name)
	}
	hint := didYouMean(c.Options, b.dynamic.TLS.Options)
	for name := range b.dynamic.TLS.Options {
		if local(name) == local(c.Options) {
			hint = "write " + name + ": without a provider a name is looked up with the router's own"
		}
	}
	r.refuse("tls.options", message, hint)
}

// misplaced tells of an entrypoint that does not speak what the router asks for.
func (r *route) misplaced(name string) {
	message := "entrypoint " + name + " serves plain HTTP only, and the router has tls"
	hint := "name the entrypoint " + webSecure + ", or remove the router's tls settings"
	if name == webSecure {
		message = "entrypoint " + name + " serves HTTPS only, and the router has no tls"
		hint = "add " + r.config.Origin.Assign("http.routers."+local(r.name)+".tls", "true")
	}
	if len(r.entries) == 0 {
		r.refuse("entrypoints", message, hint)
		return
	}
	r.warn("entrypoints", message+": it answers on "+r.entries[0].name+" only", hint)
}

// warnForeign tells of hosts for which the local authority must not vouch.
func (b *builder) warnForeign(r *route) {
	if !r.secure() || b.issuedElsewhere(r) {
		return
	}
	hosts, _ := r.rule.Hosts()
	for _, h := range hosts {
		if !hostname.IsLocal(h) {
			r.note("rule", fmt.Sprintf("no client trusts a local certificate for %q", h),
				"use a name that ends in .localhost, or give the router a certresolver that issues by ACME")
		}
	}
}

// issuedElsewhere reports whether certificates for r come from ACME or from files.
func (b *builder) issuedElsewhere(r *route) bool {
	for _, e := range r.entries {
		if e.tls == nil {
			continue
		}
		if c := b.dynamic.Static.CertResolvers[e.tls.CertResolver]; c != nil && c.ACME != nil {
			return true
		}
	}
	return len(b.dynamic.TLS.Certificates) > 0
}

// mend is the remedy that an error brings along, or empty.
func mend(err error) string {
	var m interface{ Mend() string }
	if errors.As(err, &m) {
		return m.Mend()
	}
	return ""
}

func didYouMean[T any](name string, known map[string]T) string {
	return config.MeantName(name, slices.Sorted(maps.Keys(known)))
}

// meantService is the hint for a service that does not exist. People write the name of
// the compose service, where Traefik adds the project's.
func (b *builder) meantService(name string) string {
	for _, known := range slices.Sorted(maps.Keys(b.dynamic.Services)) {
		if o := b.dynamic.Services[known].Origin; o.Service == local(name) && o.Provider == "docker" {
			return fmt.Sprintf("the service of the compose service %q is called %q", o.Service, local(known))
		}
	}
	return didYouMean(name, b.dynamic.Services)
}

// local is a qualified name without its provider.
func local(name string) string {
	name, _, _ = strings.Cut(name, "@")
	return name
}
