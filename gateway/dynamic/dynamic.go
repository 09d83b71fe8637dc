// Package dynamic reads Traefik's dynamic configuration files: what its file
// provider is pointed at.
package dynamic

import (
	"context"
	"fmt"
	"slices"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"
)

// Set is what one file configures. Keys and references are as the file gives
// them, without provider. Maps may be nil.
type Set struct {
	Routers           map[string]*config.Router
	Services          map[string]*config.Service
	Middlewares       map[string]*config.Middleware
	ServersTransports map[string]*config.ServersTransport
	TCP               config.TCP
	UDP               config.UDP
	TLS               config.TLS
	// Locations says where each setting stands, by its path.
	Locations *config.LabelLocations
}

// tree is the shape of a file.
type tree struct {
	HTTP struct {
		Routers           map[string]*config.Router
		Services          map[string]*config.Service
		Middlewares       map[string]*config.Middleware
		ServersTransports map[string]*config.ServersTransport
	}
	TCP config.TCP
	UDP config.UDP
	TLS config.TLS
}

// Read reads a file of that name, which says YAML, .toml or .json, after
// running it as a template where it is one, until ctx ends. Env resolves the template's variables;
// nil means none are set. As with Traefik one mistake spoils the whole file: then
// the set is empty, and there is a problem of severity Error for each. A part
// that Traefik knows and this gateway does not is left out by itself, and is reported
// as an Error if that leaves out a whole router or middleware.
func Read(ctx context.Context, name string, data []byte, env func(string) (string, bool)) (*Set, []config.Problem) {
	text, places, problem := expand(ctx, name, data, env)
	if problem != nil {
		return &Set{}, []config.Problem{*problem}
	}
	root, problem := document.Parse(name, text)
	if problem != nil {
		problem.Line = places.source(problem.Line)
		return &Set{}, []config.Problem{*problem}
	}
	problems := sections(name, root)
	problems = append(problems, keptForTraefik(name, root)...)
	problems = append(problems, unsupported(name, root)...)
	var t tree
	found := append(unknown(name, root), document.Decode(name, root, &t)...)
	problems = append(problems, found...)
	for i := range problems {
		problems[i].Line = places.source(problems[i].Line)
	}
	if slices.ContainsFunc(found, func(p config.Problem) bool { return p.Severity == config.Error }) {
		return &Set{}, problems
	}
	o := &origins{file: name, root: root, places: places}
	return &Set{
		Routers:     located(o, t.HTTP.Routers, "http", "routers", func(v *config.Router) *config.Origin { return &v.Origin }),
		Services:    located(o, t.HTTP.Services, "http", "services", func(v *config.Service) *config.Origin { return &v.Origin }),
		Middlewares: located(o, t.HTTP.Middlewares, "http", "middlewares", func(v *config.Middleware) *config.Origin { return &v.Origin }),
		ServersTransports: located(o, t.HTTP.ServersTransports, "http", "serversTransports",
			func(v *config.ServersTransport) *config.Origin { return &v.Origin }),
		TCP: o.tcp(t.TCP), UDP: o.udp(t.UDP), TLS: o.tls(t.TLS), Locations: o.lines(),
	}, problems
}

// lines are those of all settings of the file.
func (o *origins) lines() *config.LabelLocations {
	p := &config.LabelLocations{File: o.file, Lines: map[string]int{}}
	o.root.Walk(func(path string, n *document.Node) { p.Lines[path] = o.places.source(n.Line) })
	return p
}

// sections takes out top-level keys that are none of a dynamic file, as Traefik
// passes over them.
func sections(name string, root *document.Node) []config.Problem {
	var problems []config.Problem
	for _, n := range slices.Clone(root.Children) {
		if root.Kind != document.Mapping || slices.ContainsFunc(topLevel, func(s string) bool { return equal(s, n.Name) }) {
			continue
		}
		root.Remove(n)
		p := config.Problem{Severity: config.Warning, File: name, Line: n.Line}
		if near := config.Nearest(n.Name, topLevel); near != "" {
			p.Message = fmt.Sprintf("Traefik has no section %q in dynamic files: it is ignored", n.Name)
			p.Fix = fmt.Sprintf("did you mean %s?", near)
		} else if slices.ContainsFunc(static, func(s string) bool { return equal(s, n.Name) }) {
			p.Message = fmt.Sprintf("%q belongs to Traefik's static configuration: it is ignored here", n.Name)
			p.Fix = "put it into the file or flags that start Traefik"
		} else {
			continue // a place to keep YAML anchors
		}
		problems = append(problems, p)
	}
	if root.Kind == document.Mapping && len(root.Children) == 0 {
		root.Kind = document.Null
	}
	return problems
}

// topLevel and static are the sections of the two kinds of Traefik's files.
var (
	topLevel = []string{"http", "tcp", "udp", "tls"}
	static   = []string{"entryPoints", "providers", "certificatesResolvers", "api", "ping", "log", "accessLog",
		"metrics", "tracing", "global", "serversTransport", "tcpServersTransport", "experimental", "core", "spiffe", "hostResolver", "ocsp"}
)

// origins says where things of a file are defined.
type origins struct {
	file   string
	root   *document.Node
	places *locator
}

func (o *origins) at(n *document.Node) config.Origin {
	return config.Origin{Provider: "file", File: o.file, Line: o.places.source(n.Line)}
}

// located gives each entry of a section its origin. The case of a name counts.
func located[V any](o *origins, m map[string]*V, section, kind string, origin func(*V) *config.Origin) map[string]*V {
	if n := o.root.At(section, kind); n != nil {
		for _, child := range n.Children {
			if v := m[child.Name]; v != nil {
				*origin(v) = o.at(child)
			}
		}
	}
	return m
}

func (o *origins) tcp(t config.TCP) config.TCP {
	t.Routers = located(o, t.Routers, "tcp", "routers", func(v *config.TCPRouter) *config.Origin { return &v.Origin })
	t.Services = located(o, t.Services, "tcp", "services", func(v *config.TCPService) *config.Origin { return &v.Origin })
	t.Middlewares = located(o, t.Middlewares, "tcp", "middlewares", func(v *config.TCPMiddleware) *config.Origin { return &v.Origin })
	t.ServersTransports = located(o, t.ServersTransports, "tcp", "serversTransports",
		func(v *config.TCPServersTransport) *config.Origin { return &v.Origin })
	return t
}

func (o *origins) udp(u config.UDP) config.UDP {
	u.Routers = located(o, u.Routers, "udp", "routers", func(v *config.UDPRouter) *config.Origin { return &v.Origin })
	u.Services = located(o, u.Services, "udp", "services", func(v *config.UDPService) *config.Origin { return &v.Origin })
	return u
}

func (o *origins) tls(t config.TLS) config.TLS {
	for i := range t.Certificates {
		t.Certificates[i].Origin = o.at(o.root.At("tls", "certificates").Children[i])
	}
	t.Options = located(o, t.Options, "tls", "options", func(v *config.TLSOptions) *config.Origin { return &v.Origin })
	t.Stores = located(o, t.Stores, "tls", "stores", func(v *config.TLSStore) *config.Origin { return &v.Origin })
	return t
}
