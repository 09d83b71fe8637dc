package gateway

import (
	"fmt"
	"net/http"
	"slices"

	"axion/gateway/config"
	"axion/gateway/rule"
	"axion/gateway/secret"
)

// route is one router. It serves once it is ready.
type route struct {
	name     string
	config   *config.Router
	rule     *rule.Rule // nil where it cannot be read
	priority int
	rank     int // position in the order of trial
	entries  []entry
	service  *service
	wares    []*ware // outermost first, those of chains included
	ready    bool    // false where the router is disabled
	clean    bool    // can be taken over by the next table, see isClean
	findings []finding
}

// entry is an entrypoint that a route serves.
type entry struct {
	*entrypoint
	tls     *config.RouterTLS // nil for plain HTTP
	handler http.Handler
	wares   []string // the middlewares that handler begins with, outermost first
	chain   []*ware  // those
	quiet   *config.Observability
	options string // TLS options that the handshake must have had; empty for any
}

// secure reports whether the route serves HTTPS anywhere.
func (r *route) secure() bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.tls != nil })
}

// serves reports whether the route takes requests on an entrypoint.
func (r *route) serves(entrypoint string, secure bool) bool {
	return r.ready && slices.ContainsFunc(r.entries, func(e entry) bool { return e.name == entrypoint && (e.tls != nil) == secure })
}

// entry is where the route serves requests of an entrypoint.
func (r *route) entry(entrypoint string, secure bool) *entry {
	for i := range r.entries {
		if e := &r.entries[i]; e.name == entrypoint && (e.tls != nil) == secure {
			return e
		}
	}
	return nil
}

// finding is what is wrong or doubtful about a router.
type finding struct {
	severity config.Severity
	field    string // of the router's labels: "rule", "service" …
	message  string
	hint     string
	// path is the setting at fault, of what was read at origin; empty where it is the
	// field of the router.
	path   string
	origin config.Origin
}

func (r *route) refuse(field, message, hint string) {
	r.findings = append(r.findings, finding{severity: config.Error, field: field, message: config.InWords(message), hint: hint})
}

func (r *route) warn(field, message, hint string) {
	r.findings = append(r.findings, finding{severity: config.Warning, field: field, message: config.InWords(message), hint: hint})
}

func (r *route) note(field, message, hint string) {
	r.findings = append(r.findings, finding{severity: config.Notice, field: field, message: config.InWords(message), hint: hint})
}

// warnOnce warns unless it was said: routes of several hosts meet several times.
func (r *route) warnOnce(field, message, hint string) {
	if !r.said(message) {
		r.warn(field, message, hint)
	}
}

// noteOnce is as warnOnce for what is not doubtful.
func (r *route) noteOnce(field, message, hint string) {
	if !r.said(message) {
		r.note(field, message, hint)
	}
}

func (r *route) said(message string) bool {
	return slices.ContainsFunc(r.findings, func(f finding) bool { return f.message == message })
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

// problem tells a finding with the place of the label in question.
func (r *route) problem(f finding, d *config.Dynamic) config.Problem {
	if f.path != "" {
		return d.Problem(f.severity, f.origin, f.path, fmt.Sprintf("the router %q is refused: %s", local(r.name), f.message), f.hint)
	}
	return d.Problem(f.severity, r.config.Origin, "http.routers."+local(r.name)+"."+f.field, f.message, f.hint)
}

func (r *route) describe() Route {
	d := Route{
		Name:        r.name,
		Rule:        secret.Rule(r.config.Rule),
		Priority:    r.priority,
		EntryPoints: []string{},
		TLS:         r.secure(),
		Middlewares: append([]string{}, r.config.Middlewares...),
		Service:     r.config.Service,
		Servers:     []Server{},
		Status:      Enabled,
		Errors:      []string{},
		Origin:      originOf(r.config.Origin),
	}
	for _, e := range r.entries {
		d.EntryPoints = append(d.EntryPoints, e.name)
	}
	for _, f := range r.findings {
		d.Errors = append(d.Errors, hideURL(f.message))
		d.Status = Warning
	}
	if !r.ready {
		d.Status = Disabled
	}
	if r.service != nil {
		d.Servers = r.service.describe()
	}
	return d
}
