// Package config holds the gateway's dynamic configuration: routers, services
// and middlewares in the shape and with the names of Traefik v3's dynamic
// configuration, each with the place it was read from.
//
// Providers produce a [Dynamic]; the gateway turns one into a routing table.
// Values are read-only once they have left their provider.
package config

// Dynamic is one whole configuration: what every provider said, merged.
// Keys are qualified by provider, "name@provider".
type Dynamic struct {
	Routers     map[string]*Router
	Services    map[string]*Service
	Middlewares map[string]*Middleware
	// Problems lists what was refused or doubtful while reading. A problem of
	// severity Error names something that is left out of the maps above, or a
	// change of it that is not in force.
	Problems []Problem
}

// Origin is where a piece of configuration was read. Line is 0 where unknown.
type Origin struct {
	Provider string // "docker" for compose labels, as in Traefik
	File     string // path as the user gave it; "embedded" for the base layer
	Service  string // compose service
	Line     int    // first label that defines it, from 1
	Layer    int    // 0 is the base layer; a higher layer wins at equal priority
}

// Router sends the requests that match Rule to Service through Middlewares.
type Router struct {
	Origin      Origin `label:"-"`
	EntryPoints []string
	Rule        string
	// Priority orders routers, highest first. 0 means len(Rule) bytes.
	Priority    int
	Service     string   // qualified after merging
	Middlewares []string // qualified after merging, outermost first
	// TLS not nil makes this an HTTPS-only router; nil, an HTTP-only one.
	TLS *RouterTLS `label:"allowEmpty"`
}

// RouterTLS is a router's TLS settings. An unknown CertResolver means the
// local authority.
type RouterTLS struct {
	CertResolver string
	Options      string
	Domains      []Domain
}

// Domain names a certificate's subjects.
type Domain struct {
	Main string
	SANs []string
}

// Service is one way to answer a request.
type Service struct {
	Origin       Origin `label:"-"`
	LoadBalancer *LoadBalancer
}

// LoadBalancer spreads requests over Servers.
type LoadBalancer struct {
	Servers     []Server
	HealthCheck *HealthCheck
	// PassHostHeader nil means true.
	PassHostHeader *bool
}

// Server is one upstream address, such as "http://127.0.0.1:3001".
type Server struct {
	URL string
}

// HealthCheck probes each server. Zero values: scheme and port of the server,
// method GET, interval 30s, timeout 5s, status 200-399, redirects followed.
type HealthCheck struct {
	Path              string
	Scheme            string
	Port              int
	Hostname          string
	Method            string
	Status            int
	Interval          Duration
	UnhealthyInterval Duration
	Timeout           Duration
	FollowRedirects   *bool
	Headers           map[string]string
}

// Middleware holds exactly one non-nil field.
type Middleware struct {
	Origin         Origin `label:"-"`
	AddPrefix      *AddPrefix
	StripPrefix    *StripPrefix
	Headers        *Headers
	RateLimit      *RateLimit
	RedirectScheme *RedirectScheme
}

// AddPrefix puts Prefix before the request's path.
type AddPrefix struct {
	Prefix string
}

// StripPrefix removes the first of Prefixes that the path starts with.
type StripPrefix struct {
	Prefixes []string
	// ForceSlash is accepted for compatibility; v3 always ensures a leading slash.
	ForceSlash bool
}

// RedirectScheme redirects to Scheme. An empty Port means the port of the
// entrypoint that serves that scheme, left out where it is the default one.
type RedirectScheme struct {
	Scheme    string
	Port      string
	Permanent bool
}

// RateLimit allows Average requests per Period (default 1s) and Burst (default
// 1) at once, per client. Average 0 means unlimited.
type RateLimit struct {
	Average         int64
	Period          Duration
	Burst           int64
	SourceCriterion *SourceCriterion
}

// SourceCriterion says what makes two requests come from one client. The zero
// value groups by remote address.
type SourceCriterion struct {
	RequestHeaderName string
	RequestHost       bool
}

// Headers sets, deletes and answers headers: custom ones, CORS and the security
// headers of Traefik's middleware of that name.
type Headers struct {
	CustomRequestHeaders  map[string]string
	CustomResponseHeaders map[string]string

	AccessControlAllowCredentials     bool
	AccessControlAllowHeaders         []string
	AccessControlAllowMethods         []string
	AccessControlAllowOriginList      []string
	AccessControlAllowOriginListRegex []string
	AccessControlExposeHeaders        []string
	AccessControlMaxAge               int64
	AddVaryHeader                     bool

	STSSeconds              int64
	STSIncludeSubdomains    bool
	STSPreload              bool
	ForceSTSHeader          bool
	FrameDeny               bool
	CustomFrameOptionsValue string
	ContentTypeNosniff      bool
	BrowserXSSFilter        bool
	CustomBrowserXSSValue   string
	ContentSecurityPolicy   string
	ReferrerPolicy          string
	PermissionsPolicy       string
}
