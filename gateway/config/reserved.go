package config

// Reserved is a field of Traefik's dynamic configuration that neither labels nor files
// set: Traefik 3.7 keeps it for itself or for its providers for Kubernetes, and passes
// over it elsewhere (the tag "-" in pkg/config/dynamic). What is around it counts.
type Reserved struct {
	// Path is as in Traefik's files, with all that is inside it: * stands for a name, [n]
	// for an index.
	Path string
	// Hint says what to write instead. Empty means that there is nothing.
	Hint string
	// Followed is one that files may set here nevertheless.
	Followed bool
}

// ReservedFields are all of them. The list never changes.
func ReservedFields() []Reserved { return reserved }

var reserved = []Reserved{
	{Path: "http.middlewares.*.appRoot", Hint: "use redirectRegex"},
	{Path: "http.middlewares.*.authTLSPassCertificateToUpstream", Hint: "use passTLSClientCert"},
	{Path: "http.middlewares.*.buffering.disableRequestBuffer", Hint: "leave the middleware out where nothing is to be kept back"},
	{Path: "http.middlewares.*.buffering.disableResponseBuffer", Hint: "leave the middleware out where nothing is to be kept back"},
	{Path: "http.middlewares.*.errors.nginxHeaders"},
	{Path: "http.middlewares.*.redirectRegex.statusCode", Hint: "permanent alone decides on the status"},
	{Path: "http.middlewares.*.redirectScheme.forcePermanentRedirect", Hint: "set permanent"},
	{Path: "http.middlewares.*.requestHeaderModifier", Hint: "use headers.customRequestHeaders"},
	{Path: "http.middlewares.*.requestRedirect", Hint: "use redirectRegex"},
	{Path: "http.middlewares.*.responseHeaderModifier", Hint: "use headers.customResponseHeaders"},
	{Path: "http.middlewares.*.rewriteTarget", Hint: "use replacePathRegex"},
	{Path: "http.middlewares.*.snippet"},
	{Path: "http.middlewares.*.upstreamVHost", Hint: "set Host in headers.customRequestHeaders"},
	{Path: "http.middlewares.*.urlRewrite", Hint: "use replacePathRegex"},
	{Path: "http.models", Hint: "set it at the entrypoint, in Traefik's static configuration"},
	{Path: "http.routers.*.defaultRule"},
	{Path: "http.routers.*.deniedEncodedPathCharacters", Hint: "use the middleware encodedCharacters"},
	{Path: "http.routers.*.observability.metadata"},
	{Path: "http.routers.*.tls.conflictingOptions"},
	{Path: "http.routers.*.tls.resolvedOptions", Hint: "set tls.options"},
	{Path: "http.services.*.loadBalancer.nginxUpstreamHashBy", Hint: "set the strategy to hrw"},
	{Path: "http.services.*.loadBalancer.servers[n].fenced", Hint: "put it into a file of the file provider", Followed: true},
	{Path: "http.services.*.loadBalancer.sticky.cookie.expires", Hint: "set maxAge"},
	{Path: "http.services.*.loadBalancer.sticky.cookie.preserveLeadingDot"},
	{Path: "http.services.*.weighted.services[n].grpcStatus"},
	{Path: "http.services.*.weighted.services[n].headers"},
	{Path: "http.services.*.weighted.services[n].status"},
	{Path: "http.services.*.weighted.sticky.cookie.expires", Hint: "set maxAge"},
	{Path: "http.services.*.weighted.sticky.cookie.preserveLeadingDot"},
	{Path: "tcp.models", Hint: "set it at the entrypoint, in Traefik's static configuration"},
}
