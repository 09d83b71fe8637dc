package config

// Service is one way to answer a request. Exactly one of its pointers is set.
type Service struct {
	Origin Origin `label:"-" file:"-"`
	// Middlewares see the requests of all routers and services that lead here, after
	// those of the routers. Qualified after merging, outermost first.
	Middlewares         []string
	LoadBalancer        *LoadBalancer
	Weighted            *Weighted
	HighestRandomWeight *HighestRandomWeight
	Mirroring           *Mirroring
	Failover            *Failover
}

// The strategies of a [LoadBalancer].
const (
	StrategyWRR       = "wrr" // weighted round robin, the default
	StrategyP2C       = "p2c" // the less busy of two random servers
	StrategyHRW       = "hrw" // by the client's address, the highest random weight
	StrategyLeastTime = "leasttime"
)

// LoadBalancer spreads requests over Servers.
type LoadBalancer struct {
	Servers            []Server
	Strategy           string  // empty means StrategyWRR
	Sticky             *Sticky `label:"allowEmpty" file:"allowEmpty"`
	HealthCheck        *HealthCheck
	PassiveHealthCheck *PassiveHealthCheck `label:"allowEmpty" file:"allowEmpty"`
	// PassHostHeader nil means true.
	PassHostHeader     *bool
	ResponseForwarding *ResponseForwarding
	// ServersTransport names one of [Dynamic].ServersTransports, qualified after
	// merging. Empty means the default one.
	ServersTransport string
}

// Server is one upstream address, such as "http://127.0.0.1:3001". Schemes are
// http, https and h2c.
type Server struct {
	URL string
	// Weight nil means 1; 0 leaves the server out.
	Weight *int
	// PreservePath puts the URL's path before the request's.
	PreservePath bool
	// Fenced servers serve only clients that stick to them.
	Fenced bool
}

// ResponseForwarding says how long a response may be held back, 100 ms if zero.
// A negative FlushInterval flushes every write.
type ResponseForwarding struct {
	FlushInterval Duration
}

// Sticky keeps a client on its server.
type Sticky struct {
	Cookie *Cookie `label:"allowEmpty" file:"allowEmpty"`
}

// Cookie is the one by which a client sticks. An empty Name is derived from the
// service's; Path nil means "/"; MaxAge 0 makes it end with the session, a
// negative one removes it.
type Cookie struct {
	Name     string
	Secure   bool
	HTTPOnly bool
	SameSite string // none, lax or strict; all else leaves it out
	MaxAge   int    // seconds
	Path     *string
	Domain   string
}

// HealthCheck probes each server. Zero values: scheme and port of the server,
// mode http, method GET, interval 30s, timeout 5s, status 200-399, redirects
// followed, while unhealthy the same interval.
type HealthCheck struct {
	Mode              string // grpc; all else is http, as in Traefik
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

// PassiveHealthCheck takes a server out that failed MaxFailedAttempts times (1
// if zero) within FailureWindow (10s if zero), for that long.
type PassiveHealthCheck struct {
	FailureWindow     Duration
	MaxFailedAttempts int
}

// Weighted spreads requests over other services by weight.
type Weighted struct {
	Services []WeightedService
	Sticky   *Sticky `label:"allowEmpty" file:"allowEmpty"`
	// HealthCheck not nil informs parents when no child is healthy.
	HealthCheck *ChildHealth `label:"allowEmpty" file:"allowEmpty"`
}

// HighestRandomWeight spreads clients over other services by their address.
type HighestRandomWeight struct {
	Services    []WeightedService
	HealthCheck *ChildHealth `label:"allowEmpty" file:"allowEmpty"`
}

// WeightedService is a child of [Weighted]. Weight nil means 1.
type WeightedService struct {
	Name   string // qualified after merging
	Weight *int
}

// ChildHealth makes a service of services as healthy as its children.
type ChildHealth struct{}

// Mirroring sends copies of requests to Mirrors and answers from Service.
type Mirroring struct {
	Service string // qualified after merging
	// MirrorBody nil means true.
	MirrorBody *bool
	// MaxBodySize in bytes; requests with larger bodies are not mirrored. Nil or
	// -1 means no limit.
	MaxBodySize *int64
	Mirrors     []Mirror
	HealthCheck *ChildHealth `label:"allowEmpty" file:"allowEmpty"`
}

// Mirror receives copies of Percent of the requests, 0 to 100.
type Mirror struct {
	Name    string // qualified after merging
	Percent int
}

// Failover answers from Service while it is healthy, else from Fallback.
type Failover struct {
	Service     string       // qualified after merging
	Fallback    string       // qualified after merging
	HealthCheck *ChildHealth `label:"allowEmpty" file:"allowEmpty"`
	// Errors also makes answers of these statuses go to Fallback.
	Errors *FailoverErrors
}

// FailoverErrors are the answers of the main service that count as failure.
// MaxRequestBodyBytes bounds the body kept for the second try; nil or -1 means
// no limit.
type FailoverErrors struct {
	Status              []string // "500", "502-504"
	MaxRequestBodyBytes *int64
}

// ServersTransport is how servers are connected to.
type ServersTransport struct {
	Origin             Origin `label:"-" file:"-"`
	ServerName         string
	InsecureSkipVerify bool
	RootCAs            []string // files, or PEM text
	Certificates       []KeyPair
	MinVersion         string // VersionTLS12 …
	MaxVersion         string
	CipherSuites       []string
	// MaxIdleConnsPerHost 0 means 256; negative, no idle connections.
	MaxIdleConnsPerHost int
	ForwardingTimeouts  *ForwardingTimeouts
	DisableHTTP2        bool
	PeerCertURI         string
}

// KeyPair is a certificate and its key, each a file or PEM text.
type KeyPair struct {
	CertFile string
	KeyFile  string
}

// ForwardingTimeouts bound the steps of a forwarded request. Nil means: dial 30s,
// response header none, idle 90s, read idle none, ping 15s. Zero means none.
type ForwardingTimeouts struct {
	DialTimeout           *Duration
	ResponseHeaderTimeout *Duration
	IdleConnTimeout       *Duration
	ReadIdleTimeout       *Duration
	PingTimeout           *Duration
}
