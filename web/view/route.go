package view

import (
	"regexp"
	"strconv"
	"strings"
)

// RouteStatus says whether a router serves.
type RouteStatus string

// Statuses of a route, as Traefik's API names them.
const (
	RouteEnabled  RouteStatus = "enabled"
	RouteWarning  RouteStatus = "warning"
	RouteDisabled RouteStatus = "disabled"
)

// ServerStatus says what the health check found.
type ServerStatus string

// Statuses of a server. One that nothing checks counts as up.
const (
	ServerUp   ServerStatus = "UP"
	ServerDown ServerStatus = "DOWN"
)

// Route is one router of the gateway with the service behind it.
type Route struct {
	Name        string        `json:"name"` // "graph@docker"
	Rule        string        `json:"rule"`
	Priority    int           `json:"priority"` // highest first
	EntryPoints []string      `json:"entryPoints"`
	TLS         bool          `json:"tls"`
	Middlewares []string      `json:"middlewares"` // outermost first
	Service     string        `json:"service"`
	Servers     []RouteServer `json:"servers"`
	Status      RouteStatus   `json:"status"`
	// Errors say why Status is not enabled.
	Errors []string `json:"errors"`
	// Faults break its requests on purpose now: "delay 500 ms".
	Faults []string `json:"faults,omitempty"`
	Origin Origin   `json:"origin"`
}

var (
	ruleHost = regexp.MustCompile("\\bHost\\(`([^`]+)`")
	rulePath = regexp.MustCompile("\\bPath(?:Prefix)?\\(`([^`]+)`")
)

// URL is one that the route leads from, by the first host and path of its rule, on the entrypoint
// at web, "http://localhost:80" for one, or at webSecure; "" where its rule has no host.
func (r Route) URL(web, webSecure string) string {
	host := ruleHost.FindStringSubmatch(r.Rule)
	if host == nil {
		return ""
	}
	at, path := web, "/"
	if r.TLS {
		at = webSecure
	}
	if found := rulePath.FindStringSubmatch(r.Rule); found != nil {
		path = found[1]
	}
	return strings.Replace(at, "//localhost", "//"+host[1], 1) + path
}

// RouteServer is one address that a route balances over.
type RouteServer struct {
	URL     string       `json:"url"`
	Status  ServerStatus `json:"status"`
	Checked bool         `json:"checked"` // by a health check
}

// Origin is where a route was read.
type Origin struct {
	File    string `json:"file"`    // "embedded" for the base layer
	Line    int    `json:"line"`    // from 1; 0 where unknown
	Service string `json:"service"` // compose service

	// Builtin says that the stack brings the route along itself. Not shown.
	Builtin bool `json:"-"`
}

// String gives "file:line", or "file" where the line is unknown.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}
