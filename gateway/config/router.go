package config

import "math"

// MaxPriority is the highest priority that a router may have, as in Traefik, whose own
// come before.
const MaxPriority = math.MaxInt - 1000

// Router sends the requests that match Rule to Service through Middlewares.
type Router struct {
	Origin      Origin `label:"-" file:"-"`
	EntryPoints []string
	Rule        string
	// RuleSyntax is "v3" or empty; "v2" is not supported.
	RuleSyntax string
	// Priority orders routers, highest first. 0 means len(Rule) bytes; above
	// [MaxPriority] is not allowed.
	Priority    int
	Service     string   // qualified after merging
	Middlewares []string // qualified after merging, outermost first
	// TLS not nil makes this an HTTPS-only router; nil, an HTTP-only one.
	TLS           *RouterTLS `label:"allowEmpty" file:"allowEmpty"`
	Observability *Observability
}

// RouterTLS is a router's TLS settings. An unknown CertResolver means the
// local authority. Options names [TLS].Options; empty means "default".
type RouterTLS struct {
	CertResolver string
	Options      string
	Domains      []Domain
	// Passthrough hands the encrypted connection on as it is. TCP only.
	Passthrough bool
}

// Domain names a certificate's subjects.
type Domain struct {
	Main string
	SANs []string
}

// Observability switches what is reported of a router's requests. Nil means on.
type Observability struct {
	AccessLogs     *bool
	Metrics        *bool
	Tracing        *bool
	TraceVerbosity string
}
