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
}

// unsupported takes out of the file what is not supported.
func unsupported(name string, root *document.Node) []config.Problem {
	var problems []config.Problem
	for _, f := range foreign {
		root.Find(f.path, func(way []*document.Node) {
			last := len(way) - 1
			out := last - f.owner
			way[out-1].Remove(way[out])
			p := config.Problem{Severity: config.Warning, File: name, Line: way[last].Line,
				Message: fmt.Sprintf("%s is ignored: %s", way[last].Name, f.why)}
			if f.owner > 0 {
				p.Severity = config.Error
				p.Message = fmt.Sprintf("%s %q is left out: %s", strings.TrimSuffix(way[out-1].Name, "s"), way[out].Name, f.why)
			}
			problems = append(problems, p)
		})
	}
	// The middleware itself tells that it counts without Redis.
	root.Find("http.middlewares.*.rateLimit.redis.*", func(way []*document.Node) {
		if last := way[len(way)-1]; !equal(last.Name, "endpoints") {
			way[len(way)-2].Remove(last)
		}
	})
	return problems
}
