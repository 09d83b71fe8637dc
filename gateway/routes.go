package gateway

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"axion/gateway/config"
	"axion/gateway/routing"
	"axion/gateway/secret"
)

// The states of a [Route].
const (
	Enabled  = "enabled"
	Disabled = "disabled"
	Warning  = "warning" // enabled, but doubtful
)

// Route is one router as it is in force.
type Route struct {
	Name        string   `json:"name"` // "graph@docker"
	Rule        string   `json:"rule"`
	Priority    int      `json:"priority"` // effective: never 0 for the default
	EntryPoints []string `json:"entryPoints"`
	TLS         bool     `json:"tls"`
	Middlewares []string `json:"middlewares"`
	Service     string   `json:"service"`
	Servers     []Server `json:"servers"`
	Status      string   `json:"status"`           // Enabled, Disabled or Warning
	Errors      []string `json:"errors"`           // why it is disabled or doubtful
	Faults      []string `json:"faults,omitempty"` // what breaks its requests on purpose now
	Origin      Origin   `json:"origin"`
}

// Server is one upstream address of a route.
type Server struct {
	URL     string `json:"url"`
	Status  string `json:"status"`  // "UP" or "DOWN"
	Checked bool   `json:"checked"` // by a health check; one that is not counts as up
}

// Origin is where a router was read.
type Origin struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // 0 where unknown
	Service string `json:"service"`

	base bool // of the stack's own
}

// embedded is the file of what the stack brings along itself.
const embedded = "embedded"

func originOf(o config.Origin) Origin {
	return Origin{File: o.File, Line: o.Line, Service: o.Service, base: o.Layer == 0 && o.File == embedded}
}

// String gives "file:line", or "file" where the line is unknown.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// PrintRoutes writes routes as aligned columns, and below them why some are
// disabled or doubtful.
func PrintRoutes(w io.Writer, routes []Route) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ROUTER\tSTATUS\tPRIORITY\tENTRYPOINTS\tRULE\tMIDDLEWARES\tSERVERS\tORIGIN")
	for _, r := range routes {
		servers := make([]string, len(r.Servers))
		for i, s := range r.Servers {
			servers[i] = s.URL
			if s.Status != status(true) {
				servers[i] += " (" + s.Status + ")"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.Status, r.Priority,
			list(r.EntryPoints), oneLine(r.Rule), list(r.Middlewares), list(servers), r.Origin)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print routes: %w", err)
	}
	for _, r := range routes {
		for _, f := range r.Faults {
			if _, err := fmt.Fprintf(w, "%s: %s: a fault is on: %s\n", r.Origin, r.Name, f); err != nil {
				return fmt.Errorf("print routes: %w", err)
			}
		}
		for _, e := range r.Errors {
			if _, err := fmt.Fprintf(w, "%s: %s: %s\n", r.Origin, r.Name, e); err != nil {
				return fmt.Errorf("print routes: %w", err)
			}
		}
	}
	return nil
}

func list(items []string) string {
	if len(items) == 0 {
		return "-"
	}
	return strings.Join(items, ",")
}

// oneLine folds the line breaks and tabs of a rule, which would break the columns.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// describeRoute tells a router as it is in force.
func describeRoute(r *routing.Router) Route {
	d := Route{
		Name:        r.Name,
		Rule:        secret.Rule(r.Config.Rule),
		Priority:    r.Priority,
		EntryPoints: []string{},
		TLS:         r.ServesTLS(),
		Middlewares: append([]string{}, r.Config.Middlewares...),
		Service:     r.Config.Service,
		Servers:     []Server{},
		Status:      Enabled,
		Errors:      []string{},
		Origin:      originOf(r.Config.Origin),
	}
	for _, e := range r.EntryPoints {
		d.EntryPoints = append(d.EntryPoints, e.Name)
	}
	for _, f := range r.Findings {
		d.Errors = append(d.Errors, secret.URL(f.Message))
		d.Status = Warning
	}
	if !r.Ready {
		d.Status = Disabled
	}
	if r.Service != nil {
		d.Servers = serversOf(r.Service)
	}
	return d
}

// serversOf tells the states of a service's servers.
func serversOf(s *routing.Service) []Server {
	list := []Server{}
	if s.Service == nil {
		return list
	}
	for _, at := range s.Servers() {
		list = append(list, Server{URL: secret.URL(at.URL), Status: status(at.Up), Checked: at.Checked})
	}
	return list
}

func status(up bool) string {
	if up {
		return "UP"
	}
	return "DOWN"
}
