package config

import "strings"

// Static is what a file that starts Traefik itself sets before anything
// else: by its command line, environment or static configuration file.
type Static struct {
	Origin Origin `label:"-" file:"-"`
	// Lines says where settings such as "accesslog.format" stand, in lower case, in the
	// file of Origin; those that are not there are unknown.
	Lines map[string]int
	// EntryPoints by name. Without any there are web and websecure.
	EntryPoints      map[string]*EntryPoint
	CertResolvers    map[string]*CertResolver // of Traefik's certificatesresolvers
	Docker           StaticDocker
	FileProviders    []FileProvider
	AccessLog        *AccessLog
	Metrics          *Metrics
	Ping             *Ping
	API              *API
	ServersTransport *ServersTransport // the default one
	// StrictTLSOptions disables, on an entrypoint, routers of one host that have different
	// TLS options, which get the default ones otherwise, and routers with other options
	// than those whose rule names no host (Traefik's core.strictTLSOptions, since v3.7.11).
	StrictTLSOptions bool
}

// At is where a setting such as "ping.entrypoint" stands, case aside.
func (s *Static) At(path string) Origin {
	o := s.Origin
	if line := s.Lines[strings.ToLower(path)]; line > 0 {
		o.Line = line
	}
	return o
}

// Problem is a finding about what was read at o.
func (s *Static) Problem(o Origin, severity Severity, message, hint string) Problem {
	if o.File == "" {
		o = s.Origin
	}
	return Problem{Severity: severity, File: o.File, Line: o.Line, Service: o.Service, Message: InWords(message), Fix: hint}
}

// EntryPoint is a place where clients connect.
type EntryPoint struct {
	Origin Origin `label:"-" file:"-"`
	// Implicit is Traefik's own entrypoint, which nobody configured. That it cannot be
	// opened is no fault.
	Implicit bool   `label:"-" file:"-"`
	Address  string // "[host]:port[/tcp|/udp]", as in the container
	// AsDefault entrypoints serve routers that name none. Where no entrypoint has
	// it, all do that speak TCP.
	AsDefault bool
	// AllowACMEByPass leaves ACME's handshakes to TCP routers that ask for them.
	AllowACMEByPass  bool
	HTTP             EntryPointHTTP
	HTTP2            *HTTP2
	HTTP3            *HTTP3 `label:"allowEmpty" file:"allowEmpty"`
	UDP              *EntryPointUDP
	Transport        *Transport
	ProxyProtocol    *TrustedPeers `label:"allowEmpty" file:"allowEmpty"`
	ForwardedHeaders *ForwardedHeaders
	// Observability of routers that do not say it themselves. Nil means all is reported.
	Observability *Observability
}

// EntryPointHTTP is what every HTTP router of an entrypoint gets.
type EntryPointHTTP struct {
	Redirections   *Redirections
	Middlewares    []string
	TLS            *RouterTLS `label:"allowEmpty" file:"allowEmpty"`
	MaxHeaderBytes int        // 0 means 1 MiB
	SanitizePath   *bool      // nil means true
	// EncodedCharacters says which escapes a request's path may hold. Nil allows
	// all of them.
	EncodedCharacters *EntryPointEncodedCharacters
	// EncodeQuerySemicolons escapes the semicolons of a query; else they become &.
	EncodeQuerySemicolons bool
	// UnderscoreHeadersStrategy and AliasHeadersStrategy say what becomes of headers
	// whose names hold an underscore, or anything but letters, digits and dashes: keep
	// (the default), delete or reject. The second counts where both are set.
	UnderscoreHeadersStrategy string
	AliasHeadersStrategy      string
}

// EntryPointEncodedCharacters says which escapes a request's path may hold. Nil means
// true.
type EntryPointEncodedCharacters struct {
	AllowEncodedSlash         *bool
	AllowEncodedBackSlash     *bool
	AllowEncodedNullCharacter *bool
	AllowEncodedSemicolon     *bool
	AllowEncodedPercent       *bool
	AllowEncodedQuestionMark  *bool
	AllowEncodedHash          *bool
}

// Redirections sends every request of an entrypoint to another.
type Redirections struct {
	EntryPoint *RedirectEntryPoint
}

// RedirectEntryPoint redirects to the entrypoint To, or to ":port". Zero values:
// https, permanent, a priority above all routers but those of the highest one.
type RedirectEntryPoint struct {
	To        string
	Scheme    string
	Permanent *bool
	Priority  *int
}

// HTTP2 limits streams and HPACK's tables; 0 means 250 streams and 4096 bytes.
type HTTP2 struct {
	MaxConcurrentStreams      int
	MaxDecoderHeaderTableSize int
	MaxEncoderHeaderTableSize int
}

// HTTP3 serves HTTP/3 on the entrypoint's port. AdvertisedPort 0 means that port.
type HTTP3 struct {
	AdvertisedPort int
}

// EntryPointUDP bounds idle sessions, 3s if zero.
type EntryPointUDP struct {
	Timeout Duration
}

// Transport bounds connections.
type Transport struct {
	LifeCycle            *LifeCycle
	RespondingTimeouts   *RespondingTimeouts
	KeepAliveMaxRequests int
	KeepAliveMaxTime     Duration
}

// LifeCycle says how long requests under way may go on when the entrypoint closes. Nil
// means 3s where the gateway closes, and 10s where the entrypoint is removed.
type LifeCycle struct {
	GraceTimeOut *Duration
}

// RespondingTimeouts bound reading, writing and idling: nil means 60s, none and 180s,
// zero means none.
type RespondingTimeouts struct {
	ReadTimeout  *Duration
	WriteTimeout *Duration
	IdleTimeout  *Duration
}

// ForwardedHeaders says whose word on the client is believed.
type ForwardedHeaders struct {
	Insecure   bool
	TrustedIPs []string
	// Connection names headers that the middlewares get although the request's
	// Connection header names them.
	Connection []string
	// AddXForwardedSchemeHeaders sends X-Forwarded-Scheme and X-Scheme too.
	AddXForwardedSchemeHeaders bool
}

// TrustedPeers are those whose word on the client's address is believed.
type TrustedPeers struct {
	Insecure   bool
	TrustedIPs []string
}

// CertResolver issues certificates.
type CertResolver struct {
	ACME *ACME
}

// ACME is an account with a certificate authority (RFC 8555). Zero values: Let's
// Encrypt, the challenges that CertMagic can serve.
type ACME struct {
	Email          string
	CAServer       string
	CACertificates []string
	Storage        string // where Traefik keeps its own; these lie with this gateway's state
	KeyType        string
	EAB            *EAB
	HTTPChallenge  *HTTPChallenge `label:"allowEmpty" file:"allowEmpty"`
	TLSChallenge   *TLSChallenge  `label:"allowEmpty" file:"allowEmpty"`
	DNSChallenge   *DNSChallenge  `label:"allowEmpty" file:"allowEmpty"`
}

// EAB is an external account binding.
type EAB struct {
	KID         string
	HmacEncoded string
}

// HTTPChallenge answers on an entrypoint.
type HTTPChallenge struct {
	EntryPoint string
}

// TLSChallenge answers in the handshake.
type TLSChallenge struct{}

// DNSChallenge is not supported: it needs a provider's credentials.
type DNSChallenge struct {
	Provider string
}

// StaticDocker is how the docker provider is set.
type StaticDocker struct {
	// ExposedByDefault nil means true.
	ExposedByDefault *bool
	DefaultRule      string
	Network          string
	Constraints      string
	// UseBindPortIP reaches containers where their ports are published, if that is at
	// an address of the host's.
	UseBindPortIP bool
	// AllowEmptyServices keeps containers that are not healthy: their services then
	// have no server.
	AllowEmptyServices bool
}

// FileProvider names dynamic configuration. Path is on this machine: a container's
// path has been looked up in the volumes.
type FileProvider struct {
	Path      string // a file
	Directory string // or all files in it
}

// AccessLog writes a line for each request. An empty FilePath means standard output.
type AccessLog struct {
	FilePath string // on this machine: a container's path has been looked up in the volumes
	// Root is the directory that FilePath must lie in, wherever links lead. Empty
	// means any.
	Root    string `label:"-" file:"-" json:"-"`
	Format  string // common (the default), genericCLF, json
	Filters *AccessLogFilters
	Fields  *AccessLogFields
	// AddInternals reports the requests that this gateway answers itself too, such as
	// those of ping@internal and of redirections.
	AddInternals bool
}

// AccessLogFilters keep lines that any of them asks for. Nil keeps all.
type AccessLogFilters struct {
	StatusCodes   []string
	RetryAttempts bool
	MinDuration   Duration
}

// AccessLogFields says what becomes of fields and headers: keep, drop or redact.
// By default fields are kept and headers dropped.
type AccessLogFields struct {
	DefaultMode     string
	Names           map[string]string
	Headers         *AccessLogHeaders
	QueryParameters *AccessLogQuery
}

// AccessLogQuery says whether paths are given with their queries: keep (the default)
// or drop.
type AccessLogQuery struct {
	DefaultMode string
}

// AccessLogHeaders is [AccessLogFields] for request headers.
type AccessLogHeaders struct {
	DefaultMode string
	Names       map[string]string
}

// Metrics are served by prometheus@internal.
type Metrics struct {
	// AddInternals counts what this gateway answers itself too.
	AddInternals bool
	Prometheus   *Prometheus `label:"allowEmpty" file:"allowEmpty"`
}

// Prometheus says what is counted. Buckets are in seconds, 0.1, 0.3, 1.2 and 5 by
// default.
type Prometheus struct {
	Buckets              []float64
	AddEntryPointsLabels *bool // nil means true
	AddRoutersLabels     bool
	AddServicesLabels    *bool // nil means true
	// HeaderLabels are headers of requests, by the labels that requests_total gets of
	// their values.
	HeaderLabels  map[string]string
	EntryPoint    string
	ManualRouting bool
}

// Ping serves /ping on an entrypoint, "traefik" by default.
type Ping struct {
	EntryPoint            string
	ManualRouting         bool
	TerminatingStatusCode int // 503 by default
}

// API of api@internal. Insecure also serves it on the entrypoint "traefik".
type API struct {
	Insecure  bool
	Dashboard *bool  // nil means true
	BasePath  string // below which all of it is; empty means /
}
