package routing

import (
	"fmt"
	"net/http"
	"slices"

	"axion/gateway/config"
	"axion/gateway/fault"
	"axion/gateway/rule"
)

// Router is one router. It serves once it is ready.
type Router struct {
	Name        string
	Config      *config.Router
	Rule        *rule.Rule // nil where it cannot be read
	Priority    int
	rank        int // position in the order of trial
	EntryPoints []RouterEntryPoint
	Service     *Service
	Middlewares []*Middleware // outermost first, those of chains included
	Ready       bool          // false where the router is disabled
	clean       bool          // can be taken over by the next table, see isClean
	Findings    []Finding
}

// RouterEntryPoint is an entrypoint that a router serves.
type RouterEntryPoint struct {
	*EntryPoint
	TLS             *config.RouterTLS // nil for plain HTTP
	Handler         http.Handler
	MiddlewareNames []string      // the middlewares that handler begins with, outermost first
	Middlewares     []*Middleware // those
	Observability   *config.Observability
	TLSOptions      string // TLS options that the handshake must have had; empty for any
}

// ServesTLS reports whether the router serves HTTPS anywhere.
func (r *Router) ServesTLS() bool {
	return slices.ContainsFunc(r.EntryPoints, func(e RouterEntryPoint) bool { return e.TLS != nil })
}

// Serves reports whether the router takes requests on an entrypoint.
func (r *Router) Serves(entrypoint string, secure bool) bool {
	return r.Ready && slices.ContainsFunc(r.EntryPoints,
		func(e RouterEntryPoint) bool { return e.Name == entrypoint && (e.TLS != nil) == secure })
}

// Entry is where the router serves requests of an entrypoint.
func (r *Router) Entry(entrypoint string, secure bool) *RouterEntryPoint {
	for i := range r.EntryPoints {
		if e := &r.EntryPoints[i]; e.Name == entrypoint && (e.TLS != nil) == secure {
			return e
		}
	}
	return nil
}

// Finding is what is wrong or doubtful about a router.
type Finding struct {
	Severity config.Severity
	Field    string // of the router's labels: "rule", "service" …
	Message  string
	Hint     string
	// Path is the setting at fault, of what was read at origin; empty where it is the
	// field of the router.
	Path   string
	Origin config.Origin
}

func (r *Router) refuse(field, message, hint string) {
	r.Findings = append(r.Findings, Finding{Severity: config.Error, Field: field, Message: config.InWords(message), Hint: hint})
}

func (r *Router) warn(field, message, hint string) {
	r.Findings = append(r.Findings, Finding{Severity: config.Warning, Field: field, Message: config.InWords(message), Hint: hint})
}

func (r *Router) note(field, message, hint string) {
	r.Findings = append(r.Findings, Finding{Severity: config.Notice, Field: field, Message: config.InWords(message), Hint: hint})
}

// warnOnce warns unless it was said: routers of several hosts meet several times.
func (r *Router) warnOnce(field, message, hint string) {
	if !r.hasFinding(message) {
		r.warn(field, message, hint)
	}
}

// noteOnce is as warnOnce for what is not doubtful.
func (r *Router) noteOnce(field, message, hint string) {
	if !r.hasFinding(message) {
		r.note(field, message, hint)
	}
}

func (r *Router) hasFinding(message string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Message == message })
}

// isRefused reports whether a finding disables the router.
func (r *Router) isRefused() bool {
	for _, f := range r.Findings {
		if f.Severity == config.Error {
			return true
		}
	}
	return false
}

// problem reports a finding with the place of the label in question.
func (r *Router) problem(f Finding, d *config.Dynamic) config.Problem {
	if f.Path != "" {
		return d.Problem(f.Severity, f.Origin, f.Path, fmt.Sprintf("the router %q is refused: %s", config.BareName(r.Name), f.Message), f.Hint)
	}
	return d.Problem(f.Severity, r.Config.Origin, "http.routers."+config.BareName(r.Name)+"."+f.Field, f.Message, f.Hint)
}

// FaultTarget is what faults know the router by.
func (r *Router) FaultTarget() fault.Route {
	return fault.Route{Router: r.Name, Service: r.Config.Service, Compose: r.Config.Origin.Service}
}
