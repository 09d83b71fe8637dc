package routing

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"strings"

	"axion/gateway/config"
	"axion/gateway/rule"
)

// ownRouters adds the routers that Traefik brings along: /ping, /metrics, and the API
// where it is served without protection.
func (b *builder) ownRouters() {
	s := b.Dynamic.Static
	if p := s.Ping; p != nil && !p.ManualRouting {
		b.ownRouter("ping", "/ping", p.EntryPoint, math.MaxInt)
	}
	if m := s.Metrics; m != nil && m.Prometheus != nil && !m.Prometheus.ManualRouting {
		b.ownRouter("prometheus", "/metrics", m.Prometheus.EntryPoint, math.MaxInt)
	}
	if s.API == nil || !s.API.Insecure {
		return
	}
	base := strings.TrimSuffix(s.API.BasePath, "/")
	b.ownRouter("api", base+"/api", TraefikEntryPoint, math.MaxInt-1)
	if HasDashboard(s.API) {
		b.ownRouter("dashboard", cmp.Or(base, "/"), TraefikEntryPoint, math.MaxInt-2)
	}
}

// ownRouter leads what begins with a path on an entrypoint, Traefik's own one if it
// is empty, to the gateway's service of that name. Traefik's own entrypoint need not
// be open: in a container it would be reached by nobody.
func (b *builder) ownRouter(name, path, entrypoint string, priority int) {
	o := b.Dynamic.Static.Origin
	e := b.EntryPoints[cmp.Or(entrypoint, TraefikEntryPoint)]
	if e == nil || e.UDP {
		if entrypoint != "" && entrypoint != TraefikEntryPoint {
			b.Problems = append(b.Problems, b.Dynamic.Static.Problem(b.Dynamic.Static.At(map[string]string{"/ping": "ping.entrypoint",
				"/metrics": "metrics.prometheus.entrypoint"}[path]), config.Warning,
				fmt.Sprintf("%s is not served: entrypoint %q does not exist", path, entrypoint), b.EntryPoints.hint()))
		}
		return
	}
	r := &Router{Name: name + InternalSuffix, Priority: priority, Config: &config.Router{Origin: o, Rule: "PathPrefix(`" + path + "`)",
		Priority:    priority,
		EntryPoints: []string{e.Name}, Service: name + InternalSuffix, TLS: e.Config.HTTP.TLS}}
	var err error
	if r.Rule, err = rule.Parse(r.Config.Rule); err != nil {
		r.refuse("rule", err.Error(), "")
	}
	b.assignEntryPoints(r)
	b.assignService(r)
	b.Routers = append(b.Routers, r)
}

// HasDashboard reports whether there is one beside the API.
func HasDashboard(c *config.API) bool { return c.Dashboard == nil || *c.Dashboard }

// belowPath serves h under a path, such as /traefik, and nothing elsewhere. Empty and /
// mean everywhere.
func belowPath(base string, h http.Handler) http.Handler {
	base = strings.TrimSuffix(base, "/")
	if base == "" {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, base)
		if !ok || rest != "" && rest[0] != '/' {
			http.NotFound(w, r)
			return
		}
		inner, u := *r, *r.URL
		u.Path, u.RawPath = "/"+strings.TrimPrefix(rest, "/"), ""
		inner.URL = &u
		h.ServeHTTP(w, &inner)
	})
}
