package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"axion/gateway/config"
)

// Check lists what is doubtful in d, in the order of kinds and names. What is wrong,
// so that it is refused, whoever builds it says.
func Check(d *config.Dynamic) []config.Problem { return new(Checker).Check(d) }

// Checker is [Check] for one configuration after the other: definitions that are the
// same objects as in the one before, and of which nothing was to be said, are not looked
// at again. The zero value is ready. It is not safe for concurrent use.
type Checker struct {
	static *config.Static
	known  map[any]*facts // by the pointer of a definition
	times  int            // how often it checked
}

// facts are what is known of a definition.
type facts struct {
	sound  bool // nothing is to be said of it, which depends on nothing else but the static configuration
	walked bool
	refers []reference
	seen   int // the last time
}

// Check is [Check].
func (k *Checker) Check(d *config.Dynamic) []config.Problem {
	if k.static != d.Static || k.known == nil {
		k.static, k.known = d.Static, map[any]*facts{}
	}
	k.times++
	c := &checker{dynamic: d, Checker: k}
	c.routers()
	c.services()
	c.transports()
	c.middlewares()
	c.static()
	c.unused()
	k.forget(2 * (len(d.Routers) + len(d.Services) + len(d.Middlewares)))
	return c.problems
}

// of are the facts of a definition.
func (k *Checker) of(v any) *facts {
	f := k.known[v]
	if f == nil {
		f = &facts{}
		k.known[v] = f
	}
	f.seen = k.times
	return f
}

// forget drops the definitions that are gone, once there are more than a limit.
func (k *Checker) forget(limit int) {
	if len(k.known) > limit {
		maps.DeleteFunc(k.known, func(_ any, f *facts) bool { return f.seen < k.times })
	}
}

// checker collects problems.
type checker struct {
	dynamic  *config.Dynamic
	problems []config.Problem
	*Checker
}

// thing is a definition, and its path as settings have it, such as "http.routers.x".
type thing struct {
	*checker
	origin config.Origin
	path   string
}

// at is the thing of that qualified name.
func (c *checker) at(o config.Origin, kind, name string) thing {
	name, _, _ = strings.Cut(name, "@")
	return thing{c, o, kind + "." + name}
}

// warn reports a field of the thing.
func (t thing) warn(field, message, hint string) { t.report(config.Warning, field, message, hint) }

func (t thing) report(severity config.Severity, field, message, hint string) {
	path := t.path
	if t.origin.Provider != "file" {
		field = strings.ToLower(field) // as labels are mostly written
	}
	if field != "" {
		path += "." + field
	}
	t.problems = append(t.problems, t.dynamic.Problem(severity, t.origin, path, message, hint))
}

// add is the hint to give a field a value.
func (t thing) add(field string) string { return "add " + t.origin.Setting(t.path+"."+field) }

// oneOf warns of a value that is none of those known, case aside. What says what
// becomes of it.
func (t thing) oneOf(field, value, what string, known ...string) {
	if value == "" || slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, value) }) {
		return
	}
	hint := ""
	if near := config.Nearest(value, known); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	t.warn(field, fmt.Sprintf("%q is none of %s: %s", value, strings.Join(known, ", "), what), hint)
}

// eachNew is each for definitions of which f says what depends on nothing else but the
// static configuration: not for those that were sound before.
func eachNew[V any](c *checker, m map[string]*V, f func(name string, v *V)) {
	each(c, m, func(name string, v *V) {
		if known := c.of(v); !known.sound {
			f(name, v)
			known.sound = len(c.problems) == 0
		}
	})
}

// each calls f with each entry. What f finds is in the order of names: it is that which
// is sorted, as mostly nothing is found among many entries.
func each[V any](c *checker, m map[string]V, f func(name string, v V)) {
	before, found := c.problems, map[string][]config.Problem{}
	for name, v := range m {
		c.problems = nil
		if f(name, v); len(c.problems) > 0 {
			found[name] = c.problems
		}
	}
	c.problems = before
	for _, name := range slices.Sorted(maps.Keys(found)) {
		c.problems = append(c.problems, found[name]...)
	}
}

func (c *checker) routers() {
	eachNew(c, c.dynamic.Routers, func(name string, r *config.Router) {
		t := c.at(r.Origin, "http.routers", name)
		for _, f := range Router(r) {
			t.warn(f.Path, f.Message, f.Hint)
		}
		c.routerTLS(t, r.TLS)
	})
	each(c, c.dynamic.TCP.Routers, func(name string, r *config.TCPRouter) { c.routerTLS(c.at(r.Origin, "tcp.routers", name), r.TLS) })
}

// resolverFault says why a resolver issues nothing, and what to do. Both are empty for one
// that does, and for no name.
func resolverFault(s *config.Static, name string) (fault, hint string) {
	if name == "" {
		return "", ""
	}
	if c := s.CertResolvers[name]; c == nil {
		hint = "add it to Traefik's certificatesresolvers"
		if near := config.Nearest(name, slices.Sorted(maps.Keys(s.CertResolvers))); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return fmt.Sprintf("the certificate resolver %q does not exist", name), hint
	} else if c.ACME == nil {
		return fmt.Sprintf("the certificate resolver %q has no acme", name), "add certificatesResolvers." + name + ".acme"
	}
	return "", ""
}

// routerTLS looks at what a router asks of certificates. A resolver is only doubted
// where it is known which ones there are: where the files start Traefik.
func (c *checker) routerTLS(t thing, r *config.RouterTLS) {
	if r == nil {
		return
	}
	s := c.dynamic.Static
	if fault, hint := resolverFault(s, r.CertResolver); fault != "" && s.Origin.File != "" && t.origin.Layer > 0 {
		t.warn("tls.certresolver", fault+": Traefik serves its default certificate, and here the local authority issues one", hint)
	}
	for i, d := range r.Domains {
		for _, name := range append([]string{d.Main}, d.SANs...) {
			if strings.ContainsAny(name, ":/ `'\"") {
				t.warn(fmt.Sprintf("tls.domains[%d]", i), fmt.Sprintf("%q is not the name of a host: no certificate is issued for it", name),
					"write the host alone")
			}
		}
	}
}
