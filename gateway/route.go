package gateway

import (
	"net/http"
	"net/netip"

	"axion/gateway/config"
	"axion/gateway/rule"
)

// route is one router, ready to serve unless handler is nil.
type route struct {
	name     string
	config   *config.Router
	rule     *rule.Rule // nil where it cannot be read
	priority int
	rank     int  // position in the order of trial
	plain    bool // serves web
	secure   bool // serves websecure
	service  *balancer
	wares    []*ware
	handler  http.Handler // nil where the router is disabled
	findings []finding
}

// finding is what is wrong or doubtful about a router.
type finding struct {
	severity config.Severity
	field    string // of the router's labels: "rule", "service" …
	message  string
	hint     string
}

func (r *route) refuse(field, message, hint string) {
	r.findings = append(r.findings, finding{config.Error, field, message, hint})
}

func (r *route) warn(field, message, hint string) {
	r.findings = append(r.findings, finding{config.Warning, field, message, hint})
}

// refused reports whether a finding disables the router.
func (r *route) refused() bool {
	for _, f := range r.findings {
		if f.severity == config.Error {
			return true
		}
	}
	return false
}

// problem tells a finding with the place it was read at.
func (r *route) problem(f finding) config.Problem {
	o := r.config.Origin
	return config.Problem{
		Severity: f.severity,
		File:     o.File,
		Line:     o.Line,
		Service:  o.Service,
		Label:    "traefik.http.routers." + local(r.name) + "." + f.field,
		Message:  f.message,
		Hint:     f.hint,
	}
}

func (r *route) describe() Route {
	d := Route{
		Name:        r.name,
		Rule:        r.config.Rule,
		Priority:    r.priority,
		EntryPoints: []string{},
		TLS:         r.config.TLS != nil,
		Middlewares: append([]string{}, r.config.Middlewares...),
		Service:     r.config.Service,
		Servers:     []Server{},
		Status:      Enabled,
		Errors:      []string{},
		Origin:      originOf(r.config.Origin),
	}
	if r.plain {
		d.EntryPoints = append(d.EntryPoints, web)
	}
	if r.secure {
		d.EntryPoints = append(d.EntryPoints, webSecure)
	}
	for _, f := range r.findings {
		d.Errors = append(d.Errors, f.message)
		d.Status = Warning
	}
	if r.handler == nil {
		d.Status = Disabled
	}
	if r.service != nil {
		d.Servers = r.service.describe()
	}
	return d
}

// isLoopback reports whether host is a name of this machine itself.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
