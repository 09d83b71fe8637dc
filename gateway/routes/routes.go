// Package routes shows the routers of a table as the dashboard lists them and as
// `axion routes` prints them.
package routes

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"axion/gateway/config"
	"axion/gateway/routing"
	"axion/gateway/secret"
	"axion/web/view"
)

// embedded is the file of what the stack brings along itself.
const embedded = "embedded"

// OriginOf shows where a part of the configuration was read.
func OriginOf(o config.Origin) view.Origin {
	return view.Origin{File: o.File, Line: o.Line, Service: o.Service, Builtin: o.Layer == 0 && o.File == embedded}
}

// Print writes routes as aligned columns, and below them why some are
// disabled or doubtful.
func Print(w io.Writer, routes []view.Route) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ROUTER\tSTATUS\tPRIORITY\tENTRYPOINTS\tRULE\tMIDDLEWARES\tSERVERS\tORIGIN")
	for _, r := range routes {
		servers := make([]string, len(r.Servers))
		for i, s := range r.Servers {
			servers[i] = s.URL
			if s.Status != view.ServerUp {
				servers[i] += " (" + string(s.Status) + ")"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.Status, r.Priority,
			List(r.EntryPoints), oneLine(r.Rule), List(r.Middlewares), List(servers), r.Origin)
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

// List gives the items as a column shows them.
func List(items []string) string {
	if len(items) == 0 {
		return "-"
	}
	return strings.Join(items, ",")
}

// oneLine folds the line breaks and tabs of a rule, which would break the columns.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Describe shows a router as it is in force.
func Describe(r *routing.Router) view.Route {
	d := view.Route{
		Name:        r.Name,
		Rule:        secret.Rule(r.Config.Rule),
		Priority:    r.Priority,
		EntryPoints: []string{},
		TLS:         r.ServesTLS(),
		Middlewares: append([]string{}, r.Config.Middlewares...),
		Service:     r.Config.Service,
		Servers:     []view.RouteServer{},
		Status:      view.RouteEnabled,
		Errors:      []string{},
		Origin:      OriginOf(r.Config.Origin),
	}
	for _, e := range r.EntryPoints {
		d.EntryPoints = append(d.EntryPoints, e.Name)
	}
	for _, f := range r.Findings {
		d.Errors = append(d.Errors, secret.URL(f.Message))
		d.Status = view.RouteWarning
	}
	if !r.Ready {
		d.Status = view.RouteDisabled
	}
	if r.Service != nil {
		d.Servers = ServersOf(r.Service)
	}
	return d
}

// ServersOf lists the servers of a service with their states.
func ServersOf(s *routing.Service) []view.RouteServer {
	list := []view.RouteServer{}
	if s.Service == nil {
		return list
	}
	for _, at := range s.Servers() {
		list = append(list, view.RouteServer{URL: secret.URL(at.URL), Status: ServerStatus(at.Up), Checked: at.Checked})
	}
	return list
}

// ServerStatus is the status of a server.
func ServerStatus(up bool) view.ServerStatus {
	if up {
		return view.ServerUp
	}
	return view.ServerDown
}
