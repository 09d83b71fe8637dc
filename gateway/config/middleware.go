package config

// Middleware holds exactly one non-nil field besides Origin.
type Middleware struct {
	Origin            Origin `label:"-" file:"-"`
	AddPrefix         *AddPrefix
	BasicAuth         *BasicAuth
	Buffering         *Buffering
	Chain             *Chain
	CircuitBreaker    *CircuitBreaker
	Compress          *Compress    `label:"allowEmpty" file:"allowEmpty"`
	ContentType       *ContentType `label:"allowEmpty" file:"allowEmpty"`
	DigestAuth        *DigestAuth
	EncodedCharacters *EncodedCharacters `label:"allowEmpty" file:"allowEmpty"`
	Errors            *Errors
	ForwardAuth       *ForwardAuth
	GrpcWeb           *GrpcWeb
	Headers           *Headers
	InFlightReq       *InFlightReq
	IPAllowList       *IPAllowList
	IPWhiteList       *IPAllowList // the former name of IPAllowList
	PassTLSClientCert *PassTLSClientCert
	RateLimit         *RateLimit
	RedirectRegex     *RedirectRegex
	RedirectScheme    *RedirectScheme
	ReplacePath       *ReplacePath
	ReplacePathRegex  *ReplacePathRegex
	Retry             *Retry
	StripPrefix       *StripPrefix
	StripPrefixRegex  *StripPrefixRegex
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

// StripPrefixRegex removes what the first of Regex matches at the path's start.
type StripPrefixRegex struct {
	Regex []string
}

// ReplacePath puts Path in place of the request's.
type ReplacePath struct {
	Path string
}

// ReplacePathRegex rewrites a path that matches Regex.
type ReplacePathRegex struct {
	Regex       string
	Replacement string
}

// RedirectRegex redirects a URL that matches Regex.
type RedirectRegex struct {
	Regex       string
	Replacement string
	Permanent   bool
}

// RedirectScheme redirects to Scheme. An empty Port means the port of the
// entrypoint that serves that scheme, left out where it is the default one.
type RedirectScheme struct {
	Scheme    string
	Port      string
	Permanent bool
}

// BasicAuth and DigestAuth ask for one of Users ("name:hash") or of the lines of
// UsersFile. An empty Realm means traefik; HeaderField sends the service who it is.
type BasicAuth struct {
	Users        []string
	UsersFile    string
	Realm        string
	RemoveHeader bool
	HeaderField  string
}

// DigestAuth is RFC 7616's; its hashes are MD5 of name:realm:password.
type DigestAuth BasicAuth

// ForwardAuth asks Address whether a request may pass. TrustForwardHeader says
// whether the X-Forwarded-* and X-Real-Ip headers of the request are handed on; nil
// means those that it does not set itself.
type ForwardAuth struct {
	Address                  string
	TLS                      *ClientTLS
	TrustForwardHeader       *bool
	AuthResponseHeaders      []string
	AuthResponseHeadersRegex string
	AuthRequestHeaders       []string
	AddAuthCookiesToResponse []string
	// HeaderField is the header of its answers that names the user in the access log.
	HeaderField            string
	ForwardBody            bool
	MaxBodySize            *int64 // bytes; nil or -1 means no limit
	MaxResponseBodySize    *int64 // bytes; nil or -1 means no limit
	PreserveLocationHeader bool
	PreserveRequestMethod  bool
	// AuthSigninURL is where an answer of 401 redirects to. Empty hands the 401 on.
	AuthSigninURL string
}

// ClientTLS is the TLS towards a server that a middleware asks. Files may also be
// PEM text.
type ClientTLS struct {
	CA                 string
	Cert               string
	Key                string
	InsecureSkipVerify bool
	CAOptional         bool // of no effect, as in Traefik v3
}

// Buffering reads whole bodies. Sizes are in bytes; 0 means no limit, but 1 MiB
// for those held in memory.
type Buffering struct {
	MaxRequestBodyBytes  int64
	MemRequestBodyBytes  int64
	MaxResponseBodyBytes int64
	MemResponseBodyBytes int64
	RetryExpression      string
}

// Chain stands for Middlewares, outermost first.
type Chain struct {
	Middlewares []string // qualified after merging
}

// CircuitBreaker stops asking a service while Expression holds. Zero values:
// checked every 100ms, open for 10s, recovering for 10s, answers 503.
type CircuitBreaker struct {
	Expression       string
	CheckPeriod      Duration
	FallbackDuration Duration
	RecoveryDuration Duration
	ResponseCode     int
}

// Compress compresses answers. MinResponseBodyBytes nil means 1024. Encodings nil
// means gzip, br, zstd. IncludedContentTypes excludes ExcludedContentTypes.
type Compress struct {
	ExcludedContentTypes []string
	IncludedContentTypes []string
	MinResponseBodyBytes *int
	Encodings            []string
	DefaultEncoding      string
}

// ContentType guesses the type of answers that have none. AutoDetect is the
// deprecated switch: nil and true mean on.
type ContentType struct {
	AutoDetect *bool
}

// EncodedCharacters refuses (400) paths that hold these escapes, but for those
// allowed.
type EncodedCharacters struct {
	AllowEncodedSlash         bool
	AllowEncodedBackSlash     bool
	AllowEncodedNullCharacter bool
	AllowEncodedSemicolon     bool
	AllowEncodedPercent       bool
	AllowEncodedQuestionMark  bool
	AllowEncodedHash          bool
}

// Errors answers with the page at Query of Service in place of answers with Status
// ("500", "502-504"). Query may hold {status}, {originalStatus} and {url}.
type Errors struct {
	Status              []string
	StatusRewrites      map[string]int
	Service             string // qualified after merging
	Query               string
	ErrorRequestHeaders []string // headers of the request handed on; nil means all
}

// GrpcWeb turns gRPC-Web requests into gRPC.
type GrpcWeb struct {
	AllowOrigins []string
}

// InFlightReq allows Amount requests at once, none if zero, per source; by default for
// each requested host.
type InFlightReq struct {
	Amount          int64
	SourceCriterion *SourceCriterion
}

// IPAllowList refuses clients outside SourceRange, with RejectStatusCode (403 if
// zero).
type IPAllowList struct {
	SourceRange      []string
	IPStrategy       *IPStrategy `label:"allowEmpty" file:"allowEmpty"`
	RejectStatusCode int
}

// IPStrategy says which address is the client's. Depth counts from the right of
// X-Forwarded-For; ExcludedIPs are skipped there; IPv6Subnet groups addresses.
type IPStrategy struct {
	Depth       int
	ExcludedIPs []string
	IPv6Subnet  *int
}

// PassTLSClientCert informs the service about the client's certificate.
type PassTLSClientCert struct {
	PEM  bool
	Info *ClientCertInfo
}

// ClientCertInfo says which parts of the certificate are reported.
type ClientCertInfo struct {
	NotAfter     bool
	NotBefore    bool
	Sans         bool
	SerialNumber bool
	Subject      *CertName
	Issuer       *CertName
}

// CertName is the same for a certificate's subject or issuer.
// OrganizationalUnit and UID are the subject's only.
type CertName struct {
	Country            bool
	Province           bool
	Locality           bool
	Organization       bool
	OrganizationalUnit bool
	CommonName         bool
	SerialNumber       bool
	DomainComponent    bool
	UID                bool
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
	IPStrategy        *IPStrategy `label:"allowEmpty" file:"allowEmpty"`
	RequestHeaderName string
	RequestHost       bool
}

// Retry asks again, Attempts times in all, where no answer came or one with Status
// ("500", "502-504"). InitialInterval is the first pause, which grows to its double;
// 0 means none.
type Retry struct {
	Attempts        int
	InitialInterval Duration
	// Timeout is how long after the request's begin another attempt may follow; it
	// cuts none short. 0 means for ever.
	Timeout Duration
	Status  []string
	// MaxRequestBodyBytes bounds the body that is kept for attempts that a status
	// asks for; requests with larger ones are sent once. Nil means 2 MiB, -1 no limit.
	MaxRequestBodyBytes        *int64
	DisableRetryOnNetworkError bool
	// RetryNonIdempotentMethod has POST, PATCH and LOCK follow Status too.
	RetryNonIdempotentMethod bool
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

	AllowedHosts                    []string
	HostsProxyHeaders               []string
	SSLProxyHeaders                 map[string]string
	STSSeconds                      int64
	STSIncludeSubdomains            bool
	STSPreload                      bool
	ForceSTSHeader                  bool
	FrameDeny                       bool
	CustomFrameOptionsValue         string
	ContentTypeNosniff              bool
	BrowserXSSFilter                bool
	CustomBrowserXSSValue           string
	ContentSecurityPolicy           string
	ContentSecurityPolicyReportOnly string
	ReferrerPolicy                  string
	PermissionsPolicy               string
	IsDevelopment                   bool

	// Of no effect, as in Traefik v3.
	SSLRedirect          bool
	SSLTemporaryRedirect bool
	SSLHost              string
	SSLForceHost         bool
	FeaturePolicy        string
	PublicKey            string
}
