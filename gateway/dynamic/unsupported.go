package dynamic

import (
	"fmt"
	"strings"

	"axion/gateway/config"
	"axion/gateway/dynamic/document"
)

func equal(a, b string) bool { return strings.EqualFold(a, b) }

// foreign is what Traefik knows in these files and this gateway does not.
var foreign = []struct {
	path string
	// owner is how many levels above it lies what cannot be served without it, such
	// as its router; 0 where it can be passed over.
	owner int
	why   string
}{
	{"http.routers.*.parentRefs", 1, "routers of several layers are not supported"},
	{"http.middlewares.*.plugin", 1, "plugins are not supported"},
	{"http.serversTransports.*.spiffe", 1, "SPIFFE is not supported"},
	{"tcp.serversTransports.*.tls.spiffe", 2, "SPIFFE is not supported"},
	{"tcp.services.*.weighted.healthCheck", 0, "it is not supported"},
	{"http.middlewares.*.rateLimit.redis", 0, "the limit is counted in this process, without Redis"},
	{"tls.options.*.preferServerCipherSuites", 0, "it has no effect, as in Traefik v3"},
	{"http.serversTransports.*.forwardingTimeouts.readTimeout", 0, "it is not supported"},
	{"http.serversTransports.*.forwardingTimeouts.writeTimeout", 0, "it is not supported"},
}

// newer is followed, and Traefik 3.7 does not have it.
var newer = []string{"http.middlewares.*.passTLSClientCert.info.subject.uid"}

// absent is what structures that several parts share have, and Traefik's does not in
// these places: to it they are unknown fields.
var absent = []string{
	"http.routers.*.tls.passthrough",
	"http.middlewares.*.ipWhiteList.rejectStatusCode",
	"http.middlewares.*.passTLSClientCert.info.issuer.organizationalUnit",
	"http.middlewares.*.passTLSClientCert.info.issuer.uid",
}

// unknown reports fields that Traefik does not have.
func unknown(name string, root *document.Node) []config.Problem {
	var problems []config.Problem
	for _, path := range absent {
		root.Find(path, func(way []*document.Node) {
			last := len(way) - 1
			var names []string
			for _, n := range way[1:last] {
				names = append(names, n.Name)
			}
			problems = append(problems, config.Problem{Severity: config.Error, File: name, Line: way[last].Line,
				Message: fmt.Sprintf("Traefik has no field %q in %s", way[last].Name, strings.Join(names, "."))})
		})
	}
	return problems
}

// unsupported takes out of the file what is not supported.
func unsupported(name string, root *document.Node) []config.Problem {
	var problems []config.Problem
	root.Find("http.middlewares.*.rateLimit.redis", func(way []*document.Node) {
		// Without anything else the middleware limits nothing.
		if limit := way[len(way)-2]; len(limit.Children) == 1 {
			limit.Children = append(limit.Children, &document.Node{Name: "average", Line: limit.Line, Kind: document.Scalar, Value: "0"})
		}
	})
	for _, f := range foreign {
		root.Find(f.path, func(way []*document.Node) {
			last := len(way) - 1
			out := last - f.owner
			remove(way[:out+1])
			p := config.Problem{Severity: config.Warning, File: name, Line: way[last].Line,
				Message: fmt.Sprintf("%s is ignored: %s", way[last].Name, f.why)}
			if f.owner > 0 {
				p.Severity = config.Error
				p.Message = fmt.Sprintf("%s %q is left out: %s (%s)", strings.TrimSuffix(way[out-1].Name, "s"), way[out].Name, f.why, way[last].Name)
			}
			problems = append(problems, p)
		})
	}
	return append(problems, newerThanTraefik(name, root)...)
}

// keptForTraefik takes out of the file what Traefik passes over in it.
func keptForTraefik(name string, root *document.Node) []config.Problem {
	var problems []config.Problem
	for _, f := range config.ReservedFields() {
		root.Find(strings.ReplaceAll(f.Path, "[n]", ".*"), func(way []*document.Node) {
			p := config.Problem{Severity: config.Warning, File: name, Line: way[len(way)-1].Line,
				Message: named(way) + " is ignored: Traefik keeps the field for itself", Fix: f.Hint}
			if f.Followed {
				p.Severity, p.Fix = config.Notice, ""
				p.Message = named(way) + " is followed, and Traefik passes over it: it keeps the field for itself"
			} else {
				remove(way)
			}
			problems = append(problems, p)
		})
	}
	return problems
}

// newerThanTraefik reports what is followed and that Traefik 3.7 does not have.
func newerThanTraefik(name string, root *document.Node) []config.Problem {
	var problems []config.Problem
	for _, path := range newer {
		root.Find(path, func(way []*document.Node) {
			problems = append(problems, config.Problem{Severity: config.Notice, File: name, Line: way[len(way)-1].Line,
				Message: fmt.Sprintf("%s is followed, and Traefik 3.7 leaves out the whole file for it: it does not have it", named(way))})
		})
	}
	return problems
}

// named is the path of the last node of a way from the root.
func named(way []*document.Node) string {
	var names []string
	for _, n := range way[1:] {
		names = append(names, n.Name)
	}
	return strings.ReplaceAll(strings.Join(names, "."), ".[", "[")
}

// definition is how deep the entries of a section lie, such as http.routers.x.
const definition = 3

// remove takes the last node of a way out of the one before it. What is left empty by
// that is as if it were not there, but for what has a name of its author's, and for a
// cookie or TLS, which are switched on by being there.
func remove(way []*document.Node) {
	last := len(way) - 1
	parent := way[last-1]
	parent.Remove(way[last])
	if len(parent.Children) > 0 || last-1 == definition || strings.HasPrefix(parent.Name, "[") || equal(parent.Name, "cookie") ||
		equal(parent.Name, "tls") {
		return
	}
	parent.Kind = document.Null
}
