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
}

// absent is what structures that several parts share have, and Traefik's does not in
// these places: to it they are unknown fields.
var absent = []string{
	"http.routers.*.tls.passthrough",
	"http.middlewares.*.ipWhiteList.rejectStatusCode",
	"http.middlewares.*.passTLSClientCert.info.issuer.organizationalUnit",
	"http.middlewares.*.passTLSClientCert.info.issuer.uid",
}

// unknown tells of fields that Traefik does not have.
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
			way[out-1].Remove(way[out])
			p := config.Problem{Severity: config.Warning, File: name, Line: way[last].Line,
				Message: fmt.Sprintf("%s is ignored: %s", way[last].Name, f.why)}
			if f.owner > 0 {
				p.Severity = config.Error
				p.Message = fmt.Sprintf("%s %q is left out: %s (%s)", strings.TrimSuffix(way[out-1].Name, "s"), way[out].Name, f.why, way[last].Name)
			}
			problems = append(problems, p)
		})
	}
	return problems
}
