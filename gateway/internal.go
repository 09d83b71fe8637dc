package gateway

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/middleware"
	"axion/gateway/rule"
)

// internalSuffix qualifies what the gateway brings itself.
const internalSuffix = "@internal"

// newInternals are the services that routers can name, such as ping@internal.
func (g *Gateway) newInternals() map[string]http.Handler {
	api := g.API()
	return map[string]http.Handler{
		"api":        g.pages(api, false),
		"dashboard":  g.pages(api, true),
		"ping":       http.HandlerFunc(g.ping),
		"prometheus": g.observer.Handler(),
		// noop is for routers whose middlewares answer every request themselves.
		"noop": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
	}
}

// entryWares are the middlewares that an entrypoint gives routers.
type entryWares struct {
	list   []*ware
	broken bool
}

// base stands for the provider of the base layer, whose author knows no entrypoint of
// the files above.
const base = "base"

// entryWares builds the middlewares that an entrypoint gives all routers of a provider.
// As in Traefik those that are named without one are the router's provider's.
func (b *builder) entryWares(e *entrypoint, o config.Origin) *entryWares {
	provider := cmp.Or(o.Provider, "docker")
	switch {
	case !slices.ContainsFunc(e.config.HTTP.Middlewares, func(m string) bool { return !strings.Contains(m, "@") }):
		provider = "" // no matter: they are the same for all
	case o.Layer == 0:
		provider = base
	}
	key := [2]string{e.name, provider}
	if w := b.wares[key]; w != nil {
		return w
	}
	r := &route{name: e.name + internalSuffix, config: &config.Router{Origin: e.config.Origin}}
	var names []string
	for _, m := range e.config.HTTP.Middlewares {
		name := qualified(m, provider)
		if provider == base {
			if name = qualified(m, "docker"); b.dynamic.Middlewares[name] == nil {
				name = qualified(m, "file")
			}
		}
		names = append(names, name)
	}
	b.dress(r, names, nil)
	for _, f := range r.findings {
		p := b.dynamic.Static.Problem(e.config.Origin, config.Error, "entrypoint "+strconv.Quote(e.name)+": "+f.message, f.hint)
		if !slices.Contains(b.problems, p) {
			b.problems = append(b.problems, p)
		}
	}
	w := &entryWares{list: r.wares, broken: r.refused()}
	b.wares[key] = w
	return w
}

// guarded takes r from the entrypoints whose middlewares cannot be built: without
// them it would let through what it must not.
func (b *builder) guarded(r *route) {
	var without []string
	r.entries = slices.DeleteFunc(r.entries, func(e entry) bool {
		broken := b.entryWares(e.entrypoint, r.config.Origin).broken
		if broken {
			without = append(without, e.name)
		}
		return broken
	})
	for _, name := range without {
		message := fmt.Sprintf("it is not served on entrypoint %q, whose middlewares cannot be built", name)
		if len(r.entries) == 0 {
			r.refuse("entrypoints", message, "mend the middlewares of the entrypoint")
		} else {
			r.warn("entrypoints", message, "mend the middlewares of the entrypoint")
		}
	}
}

// redirect adds the router of an entrypoint that sends all its requests to
// another, as Traefik's redirections do.
func (b *builder) redirect(e *entrypoint) {
	if e.config.HTTP.Redirections == nil || e.config.HTTP.Redirections.EntryPoint == nil {
		return
	}
	to := e.config.HTTP.Redirections.EntryPoint
	c := &config.RedirectScheme{Scheme: cmp.Or(to.Scheme, "https"), Permanent: to.Permanent == nil || *to.Permanent}
	nominal, port, err := b.redirectPort(to.To)
	if err != nil {
		b.problems = append(b.problems, b.dynamic.Static.Problem(e.config.Origin, config.Error,
			fmt.Sprintf("entrypoint %q: http.redirections.entryPoint.to: %v", e.name, err), mend(err)))
		return
	}
	c.Port = strconv.Itoa(nominal)
	wrap, err := middleware.RedirectTo(c, port)
	if err != nil {
		message := fmt.Sprintf("entrypoint %q: http.redirections.entryPoint: %v", e.name, err)
		b.problems = append(b.problems, b.dynamic.Static.Problem(e.config.Origin, config.Error, message, mend(err)))
		return
	}
	const everything = "HostRegexp(`^.+$`)"
	priority := math.MaxInt - 1
	if to.Priority != nil {
		priority = *to.Priority
	}
	name := e.name + "-to-" + cmp.Or(trimColon(to.To), "https") + internalSuffix
	r := &route{name: name, priority: priority, config: &config.Router{Origin: e.config.Origin, Rule: everything, Priority: priority,
		EntryPoints: []string{e.name}, Middlewares: []string{"redirect-" + name}, Service: "noop" + internalSuffix}}
	r.rule, _ = rule.Parse(everything)
	r.entries = []entry{{entrypoint: e}}
	if e.secure() {
		r.entries[0].tls = e.config.HTTP.TLS
	}
	r.wares = []*ware{{name: "redirect-" + name, wrap: wrap, config: config.Middleware{RedirectScheme: c}}}
	b.serve(r)
	b.routes = append(b.routes, r)
}

// redirectPort is the port of an entrypoint as it is configured, or that of ":port", and
// tells where it is open here.
func (b *builder) redirectPort(to string) (nominal int, port func() int, err error) {
	target := b.entries[to]
	if text, ok := strings.CutPrefix(to, ":"); ok {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return 0, nil, fmt.Errorf("%q is not a port", to)
		}
		nominal = int(n)
		for _, e := range b.entries.all() {
			if e.nominalPort() == nominal && !e.udp {
				target = e
			}
		}
		if target == nil {
			return nominal, func() int { return nominal }, nil
		}
	}
	switch {
	case target == nil:
		return 0, nil, &mended{error: fmt.Errorf("the entrypoint %q does not exist", to), hint: b.entries.known()}
	case target.udp:
		return 0, nil, fmt.Errorf("the entrypoint %q speaks UDP", to)
	}
	g, name, nominal := b.gateway, target.name, target.nominalPort()
	return nominal, func() int { return cmp.Or(g.portOf(name), nominal) }, nil
}

func trimColon(s string) string {
	if len(s) > 0 && s[0] == ':' {
		return s[1:]
	}
	return s
}

// qualified gives a name without provider this one.
func qualified(name, provider string) string {
	if slices.Contains([]byte(name), '@') {
		return name
	}
	return name + "@" + provider
}
