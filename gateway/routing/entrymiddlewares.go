package routing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"axion/gateway/config"
	"axion/gateway/hint"
	"axion/gateway/middleware"
	"axion/gateway/rule"
)

// InternalSuffix qualifies what the gateway brings itself.
const InternalSuffix = "@internal"

// entryMiddlewares are the middlewares that an entrypoint gives routers.
type entryMiddlewares struct {
	list   []*Middleware
	broken bool
}

// baseProvider stands for the provider of the base layer, whose author knows no entrypoint of
// the files above.
const baseProvider = "base"

// entryMiddlewaresFor builds the middlewares that an entrypoint gives all routers of a provider.
// As in Traefik those that are named without one are the router's provider's.
func (b *builder) entryMiddlewaresFor(e *EntryPoint, o config.Origin) *entryMiddlewares {
	provider := cmp.Or(o.Provider, "docker")
	switch {
	case !slices.ContainsFunc(e.Config.HTTP.Middlewares, func(m string) bool { return !strings.Contains(m, "@") }):
		provider = "" // no matter: they are the same for all
	case o.Layer == 0:
		provider = baseProvider
	}
	key := [2]string{e.Name, provider}
	if w := b.entryMiddlewares[key]; w != nil {
		return w
	}
	r := &Router{Name: e.Name + InternalSuffix, Config: &config.Router{Origin: e.Config.Origin}}
	var names []string
	for _, m := range e.Config.HTTP.Middlewares {
		name := qualified(m, provider)
		if provider == baseProvider {
			if name = qualified(m, "docker"); b.Dynamic.Middlewares[name] == nil {
				name = qualified(m, "file")
			}
		}
		names = append(names, name)
	}
	b.addMiddlewares(r, names, nil)
	for _, f := range r.Findings {
		p := b.Dynamic.Static.Problem(e.Config.Origin, config.Error, "entrypoint "+strconv.Quote(e.Name)+": "+f.Message, f.Hint)
		if !slices.Contains(b.Problems, p) {
			b.Problems = append(b.Problems, p)
		}
	}
	w := &entryMiddlewares{list: r.Middlewares, broken: r.isRefused()}
	b.entryMiddlewares[key] = w
	return w
}

// dropUnprotected takes r from the entrypoints whose middlewares cannot be built: without
// them it would let through what it must not.
func (b *builder) dropUnprotected(r *Router) {
	var without []string
	r.EntryPoints = slices.DeleteFunc(r.EntryPoints, func(e RouterEntryPoint) bool {
		broken := b.entryMiddlewaresFor(e.EntryPoint, r.Config.Origin).broken
		if broken {
			without = append(without, e.Name)
		}
		return broken
	})
	for _, name := range without {
		message := fmt.Sprintf("it is not served on entrypoint %q, whose middlewares cannot be built", name)
		if len(r.EntryPoints) == 0 {
			r.refuse("entrypoints", message, "fix the middlewares of the entrypoint")
		} else {
			r.warn("entrypoints", message, "fix the middlewares of the entrypoint")
		}
	}
}

// redirect adds the router of an entrypoint that sends all its requests to
// another, as Traefik's redirections do.
func (b *builder) redirect(e *EntryPoint) {
	if e.Config.HTTP.Redirections == nil || e.Config.HTTP.Redirections.EntryPoint == nil {
		return
	}
	to := e.Config.HTTP.Redirections.EntryPoint
	c := &config.RedirectScheme{Scheme: cmp.Or(to.Scheme, "https"), Permanent: to.Permanent == nil || *to.Permanent}
	nominal, port, err := b.redirectPort(to.To)
	if err != nil {
		b.Problems = append(b.Problems, b.Dynamic.Static.Problem(e.Config.Origin, config.Error,
			fmt.Sprintf("entrypoint %q: http.redirections.entryPoint.to: %v", e.Name, err), hint.Of(err)))
		return
	}
	c.Port = strconv.Itoa(nominal)
	wrap, err := middleware.RedirectTo(c, port)
	if err != nil {
		message := fmt.Sprintf("entrypoint %q: http.redirections.entryPoint: %v", e.Name, err)
		b.Problems = append(b.Problems, b.Dynamic.Static.Problem(e.Config.Origin, config.Error, message, hint.Of(err)))
		return
	}
	const everything = "HostRegexp(`^.+$`)"
	priority := math.MaxInt - 1
	if to.Priority != nil {
		priority = *to.Priority
	}
	name := e.Name + "-to-" + cmp.Or(trimColon(to.To), "https") + InternalSuffix
	r := &Router{Name: name, Priority: priority, Config: &config.Router{Origin: e.Config.Origin, Rule: everything, Priority: priority,
		EntryPoints: []string{e.Name}, Middlewares: []string{"redirect-" + name}, Service: "noop" + InternalSuffix}}
	r.Rule, _ = rule.Parse(everything)
	r.EntryPoints = []RouterEntryPoint{{EntryPoint: e}}
	if e.Secure() {
		r.EntryPoints[0].TLS = e.Config.HTTP.TLS
	}
	r.Middlewares = []*Middleware{{Name: "redirect-" + name, Wrap: wrap, Config: config.Middleware{RedirectScheme: c}}}
	b.assignService(r)
	b.Routers = append(b.Routers, r)
}

// redirectPort is the port of an entrypoint as it is configured, or that of ":port", and
// says where it is open here.
func (b *builder) redirectPort(to string) (nominal int, port func() int, err error) {
	target := b.EntryPoints[to]
	if text, ok := strings.CutPrefix(to, ":"); ok {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return 0, nil, fmt.Errorf("%q is not a port", to)
		}
		nominal = int(n)
		for _, e := range b.EntryPoints.All() {
			if e.NominalPort() == nominal && !e.UDP {
				target = e
			}
		}
		if target == nil {
			return nominal, func() int { return nominal }, nil
		}
	}
	switch {
	case target == nil:
		return 0, nil, &hintError{error: fmt.Errorf("the entrypoint %q does not exist", to), hint: b.EntryPoints.hint()}
	case target.UDP:
		return 0, nil, fmt.Errorf("the entrypoint %q speaks UDP", to)
	}
	name, nominal := target.Name, target.NominalPort()
	return nominal, func() int { return cmp.Or(b.deps.Port(name), nominal) }, nil
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
