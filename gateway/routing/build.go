package routing

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	"axion/gateway/cert"
	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/lint"
	"axion/gateway/proxy"
	"axion/web/loopback"
)

// state is what building one table works on. What is unchanged since old is taken from
// there.
type state struct {
	*Table
	deps  Deps
	old   *Table
	reuse bool // see canReuse
	// dry looks for faults only: what is made is closed again, and nothing runs,
	// listens or asks.
	dry bool
}

// serviceBuilder makes services and middlewares, which may name each other.
type serviceBuilder struct{ *state }

// builder makes the routers, and with them the table.
type builder struct{ serviceBuilder }

func newBuilder(d *config.Dynamic, old *Table, deps Deps) *builder {
	if old == nil {
		old = &Table{}
	}
	b := &builder{serviceBuilder{&state{Table: newTable(d, old), deps: deps, old: old}}}
	b.own = deps.Own(b.EntryPoints)
	b.reuse = b.canReuse()
	return b
}

// Build makes a table of d. What is unchanged is taken over from the old one, which may
// be nil.
func Build(d *config.Dynamic, old *Table, deps Deps) *Table {
	b := newBuilder(d, old, deps)
	b.buildRouters()
	b.validate()
	b.old = &Table{} // middlewares may hold the builder, and would hold every table before with it
	return b.Table
}

// validate puts the routers in order and says what is doubtful about them.
func (b *builder) validate() {
	b.sortAndIndex()
	b.assignTLSOptions()
	b.warnSharedEndpoints()
	b.warnEqualPriorities()
	b.warnUnreachable()
	b.validateUnused()
	b.Problems = append(b.Problems, b.deps.Linter.Check(b.Dynamic)...)
	b.Problems = append(b.Problems, tcpUnreached(b.Table)...)
	checked := map[config.Problem]bool{} // and reported
	for _, p := range b.Dynamic.Problems {
		checked[p] = true
	}
	for _, p := range slices.Concat(tcpProblems(b.Table), udpProblems(b.Table)) {
		if !checked[p] {
			b.Problems = append(b.Problems, p)
		}
	}
	for _, r := range b.Routers {
		for _, f := range r.Findings {
			if p := r.problem(f, b.Dynamic); !checked[p] {
				b.Problems = append(b.Problems, p)
			}
		}
	}
}

// Check says which routers of d would be disabled, and why, without building
// what serves them: so that the provider can keep a file's last good version. What is
// unchanged is taken from the table in force, which may be nil.
func Check(d *config.Dynamic, now *Table, deps Deps) []config.Problem {
	b := buildDry(d, now, deps)
	defer b.Release(now)
	var problems []config.Problem
	for _, r := range b.Routers {
		for _, f := range r.Findings {
			problems = append(problems, r.problem(f, d))
		}
	}
	problems = append(append(problems, tcpProblems(b.Table)...), udpProblems(b.Table)...)
	return slices.DeleteFunc(problems, func(p config.Problem) bool { return p.Severity != config.Error })
}

// CheckAll says all that is wrong or doubtful about d beyond what its provider found,
// without building what serves it.
func CheckAll(d *config.Dynamic, deps Deps) []config.Problem {
	b := buildDry(d, nil, deps)
	defer b.Release(nil)
	b.validate()
	return slices.Concat(b.Problems, cert.Check(b.TLSSettings()))
}

// buildDry builds all that a table has, to find what is wrong with it. The table made is
// to be released in favour of now.
func buildDry(d *config.Dynamic, now *Table, deps Deps) *builder {
	deps.Proxy, deps.Linter = proxy.New(proxy.Options{Dry: true}), new(lint.Checker)
	b := newBuilder(d, now, deps)
	b.dry = true
	b.buildRouters()
	return b
}

// buildRouters builds the routers of the configuration and those that entrypoints
// bring along.
func (b *builder) buildRouters() {
	b.reuseRouters()
	for _, name := range namesBut(b.Dynamic.Routers, b.routersByName) {
		b.add(b.buildRouter(name, b.Dynamic.Routers[name]))
	}
	for _, e := range b.EntryPoints.All() {
		b.entryMiddlewaresFor(e, config.Origin{}) // for what is wrong with them
		b.redirect(e)
	}
	b.ownRouters()
	b.refuseConflicts()
	for _, r := range b.Routers {
		if r.clean {
			continue // as it was taken over
		}
		b.dropUnprotected(r)
		b.buildHandlers(r)
		r.clean = r.isClean()
	}
	layer4 := layer4Builder{b.state}
	layer4.buildTCP()
	layer4.buildUDP()
}

// add puts a router of the configuration in the table.
func (b *builder) add(r *Router) {
	b.Routers = append(b.Routers, r)
	b.routersByName[r.Name] = r
}

// maxPriority is the highest priority of users' routers, as in Traefik.
const maxPriority = math.MaxInt - 1000

func (b *builder) buildRouter(name string, c *config.Router) *Router {
	r := &Router{Name: name, Config: c, Priority: cmp.Or(c.Priority, len(c.Rule))}
	b.assignEntryPoints(r)
	if c.Priority > config.MaxPriority {
		r.refuse("priority", fmt.Sprintf("the priority %d is kept for the gateway's own routers", c.Priority),
			fmt.Sprintf("give it %d at most", config.MaxPriority))
	}
	if c.RuleSyntax != "" && c.RuleSyntax != "v3" {
		r.refuse("rulesyntax", fmt.Sprintf("the rule syntax %q is not supported", c.RuleSyntax),
			"write the rule in v3's syntax and remove the setting")
	}
	var err error
	if r.Rule, err = b.deps.Rules.Parse(c.Rule); err != nil {
		r.refuse("rule", err.Error(), hint.Of(err))
	} else {
		for _, d := range r.Rule.Doubts() {
			r.warn("rule", d.String(), d.Hint)
		}
		b.warnUntrustedHosts(r)
	}
	if c.Priority > maxPriority {
		r.refuse("priority", fmt.Sprintf("the priority %d is above the highest one of users, %d", c.Priority, maxPriority),
			"Traefik refuses the router too: give it a lower one")
	}
	b.addMiddlewares(r, c.Middlewares, nil)
	b.assignService(r)
	return r
}

// assignService gives r its service.
func (b *builder) assignService(r *Router) {
	name := r.Config.Service
	s := b.service(name)
	switch {
	case s == nil:
		r.refuse("service", fmt.Sprintf("service %q does not exist", name), b.meantService(name))
	case s.Err != nil:
		r.refuse("service", fmt.Sprintf("service %q: %v", name, s.Err), hint.Of(s.Err))
		if c := b.Dynamic.Services[name]; c != nil {
			b.locateError(r, c.Origin, "http.services."+config.BareName(name), s.Err)
		}
	default:
		r.Service = s
	}
}

// buildHandlers makes the handlers of r, one for each of its entrypoints.
func (b *builder) buildHandlers(r *Router) {
	if r.Ready = !r.isRefused(); !r.Ready || b.dry {
		return
	}
	var inner http.Handler = r.Service
	for _, w := range slices.Backward(r.Middlewares) {
		inner = w.Wrap(inner)
	}
	for i, at := range r.EntryPoints {
		h := inner
		own := b.entryMiddlewaresFor(at.EntryPoint, r.Config.Origin).list
		for _, w := range slices.Backward(own) {
			h = w.Wrap(h)
		}
		r.EntryPoints[i].Handler, r.EntryPoints[i].Observability = h, observabilityOf(r.Config.Observability, at.Config.Observability)
		r.EntryPoints[i].Middlewares = slices.Concat(own, r.Middlewares, r.Service.Middlewares)
		for _, w := range r.EntryPoints[i].Middlewares {
			r.EntryPoints[i].MiddlewareNames = append(r.EntryPoints[i].MiddlewareNames, w.Name)
		}
	}
}

// observabilityOf is what a router says of observability, and where it says nothing its
// entrypoint.
func observabilityOf(router, entrypoint *config.Observability) *config.Observability {
	if router == nil || entrypoint == nil {
		return cmp.Or(router, entrypoint)
	}
	return &config.Observability{
		AccessLogs: cmp.Or(router.AccessLogs, entrypoint.AccessLogs), Metrics: cmp.Or(router.Metrics, entrypoint.Metrics),
		Tracing: cmp.Or(router.Tracing, entrypoint.Tracing), TraceVerbosity: cmp.Or(router.TraceVerbosity, entrypoint.TraceVerbosity),
	}
}

// assignEntryPoints decides which entrypoints r serves: with TLS those that speak it, without
// TLS the others.
func (b *builder) assignEntryPoints(r *Router) {
	points := b.EntryPoints.Defaults()
	if len(r.Config.EntryPoints) > 0 {
		if points = b.namedEntryPoints(r); len(points) == 0 {
			r.refuse("entrypoints", "none of the router's entrypoints exists", b.EntryPoints.hint())
			return
		}
	}
	var wrong []string
	for _, e := range points {
		secured := r.Config.TLS
		if secured == nil && r.Config.Origin.Layer > 0 {
			secured = entryTLS(e, r)
		}
		b.checkOptions(r, e, secured)
		if secured != nil && e.Secure() || secured == nil && e.Plain() {
			r.EntryPoints = append(r.EntryPoints, RouterEntryPoint{EntryPoint: e, TLS: secured})
		} else {
			wrong = append(wrong, e.Name)
		}
	}
	if len(r.Config.EntryPoints) == 0 && len(r.EntryPoints) > 0 {
		return
	}
	for _, name := range wrong {
		r.entryPointMismatch(name)
	}
}

// namedEntryPoints are those that r names, each once.
func (b *builder) namedEntryPoints(r *Router) []*EntryPoint {
	var points []*EntryPoint
	for _, name := range r.Config.EntryPoints {
		if e := b.EntryPoints[name]; e == nil || e.UDP {
			r.warn("entrypoints", fmt.Sprintf("entrypoint %q does not exist", name), b.EntryPoints.hint())
		} else if !slices.Contains(points, e) {
			points = append(points, e)
		}
	}
	return points
}

// entryTLS is what an entrypoint gives to a router without TLS of its own. As in
// Traefik options that are named without a provider are the router's provider's.
func entryTLS(e *EntryPoint, r *Router) *config.RouterTLS {
	t := e.Config.HTTP.TLS
	if t == nil || t.Options == "" || t.Options == DefaultTLSOptions || strings.Contains(t.Options, "@") {
		return t
	}
	c := *t
	c.Options += "@" + r.Config.Origin.Provider
	return &c
}

// checkOptions refuses TLS options that do not exist: the default ones may ask less
// of clients.
func (b *state) checkOptions(r *Router, e *EntryPoint, c *config.RouterTLS) {
	if c == nil || c.Options == "" || c.Options == DefaultTLSOptions || b.Dynamic.TLS.Options[c.Options] != nil || r.isRefused() {
		return
	}
	message := fmt.Sprintf("the TLS options %q do not exist", c.Options)
	if r.Config.TLS == nil {
		message += fmt.Sprintf(": the entrypoint %s asks for them", e.Name)
	}
	hint := config.DidYouMean(c.Options, b.Dynamic.TLS.Options)
	for name := range b.Dynamic.TLS.Options {
		if config.BareName(name) == config.BareName(c.Options) {
			hint = "write " + name + ": without a provider a name is looked up with the router's own"
		}
	}
	r.refuse("tls.options", message, hint)
}

// entryPointMismatch reports an entrypoint that does not speak what the router asks for.
func (r *Router) entryPointMismatch(name string) {
	message := "entrypoint " + name + " serves plain HTTP only, and the router has tls"
	hint := "name the entrypoint " + WebSecure + ", or remove the router's tls settings"
	if name == WebSecure {
		message = "entrypoint " + name + " serves HTTPS only, and the router has no tls"
		hint = "add " + r.Config.Origin.Assign("http.routers."+config.BareName(r.Name)+".tls", "true")
	}
	if len(r.EntryPoints) == 0 {
		r.refuse("entrypoints", message, hint)
		return
	}
	r.warn("entrypoints", message+": it answers on "+r.EntryPoints[0].Name+" only", hint)
}

// warnUntrustedHosts reports hosts for which the local authority must not vouch.
func (t *Table) warnUntrustedHosts(r *Router) {
	if !r.ServesTLS() || t.hasOtherIssuer(r) {
		return
	}
	hosts, _ := r.Rule.Hosts()
	for _, h := range hosts {
		if !loopback.Name(h) {
			r.note("rule", fmt.Sprintf("no client trusts a local certificate for %q", h),
				"use a name that ends in .localhost, or give the router a certresolver that issues by ACME")
		}
	}
}

// hasOtherIssuer reports whether certificates for r come from ACME or from files.
func (t *Table) hasOtherIssuer(r *Router) bool {
	for _, e := range r.EntryPoints {
		if e.TLS == nil {
			continue
		}
		if c := t.Dynamic.Static.CertResolvers[e.TLS.CertResolver]; c != nil && c.ACME != nil {
			return true
		}
	}
	return len(t.Dynamic.TLS.Certificates) > 0
}

// meantService is the hint for a service that does not exist. People write the name of
// the compose service, where Traefik adds the project's.
func (b *serviceBuilder) meantService(name string) string {
	for _, known := range slices.Sorted(maps.Keys(b.Dynamic.Services)) {
		if o := b.Dynamic.Services[known].Origin; o.Service == config.BareName(name) && o.Provider == "docker" {
			return fmt.Sprintf("the service of the compose service %q is called %q", o.Service, config.BareName(known))
		}
	}
	return config.DidYouMean(name, b.Dynamic.Services)
}
