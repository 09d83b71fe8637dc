package lint_test

import (
	"slices"
	"testing"

	"axion/gateway/config"
	"axion/gateway/lint"
)

func TestMiddleware(t *testing.T) {
	t.Parallel()
	n := int64(1)
	for name, tt := range map[string]struct {
		config config.Middleware
		want   []string // paths
	}{
		"OK":          {config.Middleware{Headers: &config.Headers{FrameDeny: true}}, nil},
		"OK/Retry":    {config.Middleware{Retry: &config.Retry{Attempts: 2, Status: []string{"500"}, MaxRequestBodyBytes: &n}}, nil},
		"OK/Auth":     {config.Middleware{ForwardAuth: &config.ForwardAuth{ForwardBody: true, MaxBodySize: &n, TLS: &config.ClientTLS{}}}, nil},
		"OK/Prefixes": {config.Middleware{StripPrefix: &config.StripPrefix{Prefixes: []string{"", "/a"}}}, nil},
		"ErrRetry": {config.Middleware{Retry: &config.Retry{MaxRequestBodyBytes: &n, RetryNonIdempotentMethod: true}},
			[]string{"retry.maxRequestBodyBytes", "retry.retryNonIdempotentMethod"}},
		"ErrAuth": {config.Middleware{ForwardAuth: &config.ForwardAuth{MaxBodySize: &n, TLS: &config.ClientTLS{CAOptional: true}}},
			[]string{"forwardAuth.tls.caOptional", "forwardAuth.maxBodySize"}},
		"ErrPrefixes": {config.Middleware{StripPrefix: &config.StripPrefix{Prefixes: []string{" "}, ForceSlash: true}},
			[]string{"stripPrefix.forceSlash", "stripPrefix.prefixes"}},
		"ErrPatterns": {config.Middleware{StripPrefixRegex: &config.StripPrefixRegex{}}, []string{"stripPrefixRegex.regex"}},
		"ErrNothing":  {config.Middleware{PassTLSClientCert: &config.PassTLSClientCert{}}, []string{"passTLSClientCert.pem"}},
		"ErrInFlight": {config.Middleware{InFlightReq: &config.InFlightReq{}}, []string{"inFlightReq.amount"}},
		"ErrPublicKey": {config.Middleware{Headers: &config.Headers{PublicKey: "p", FeaturePolicy: "f", SSLForceHost: true}},
			[]string{"headers.sslForceHost", "headers.featurePolicy", "headers.publicKey"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, lint.Middleware(&tt.config), tt.want)
		})
	}
}

func TestRouter(t *testing.T) {
	t.Parallel()
	for verbosity, want := range map[string][]string{"": nil, "minimal": nil, "detailed": {"observability.traceVerbosity"},
		"x": {"observability.traceVerbosity"}} {
		check(t, lint.Router(&config.Router{Observability: &config.Observability{TraceVerbosity: verbosity}}), want)
	}
	check(t, lint.Router(&config.Router{}), nil)
}

func TestService(t *testing.T) {
	t.Parallel()
	cookie := func(name, site string) *config.Sticky {
		return &config.Sticky{Cookie: &config.Cookie{Name: name, SameSite: site}}
	}
	for name, tt := range map[string]struct {
		config config.Service
		want   []string
	}{
		"OK": {config.Service{LoadBalancer: &config.LoadBalancer{Sticky: cookie("", "Lax"),
			HealthCheck: &config.HealthCheck{Mode: "grpc"}}}, nil},
		"OK/NoCookie": {config.Service{Weighted: &config.Weighted{Sticky: &config.Sticky{}}}, nil},
		"ErrCookie": {config.Service{LoadBalancer: &config.LoadBalancer{Sticky: cookie("a b", "laxx")}},
			[]string{"loadBalancer.sticky.cookie.sameSite", "loadBalancer.sticky.cookie.name"}},
		"ErrWeighted": {config.Service{Weighted: &config.Weighted{Sticky: cookie("a", "x")}}, []string{"weighted.sticky.cookie.sameSite"}},
		"ErrMode": {config.Service{LoadBalancer: &config.LoadBalancer{HealthCheck: &config.HealthCheck{Mode: "HTTP"}}},
			[]string{"loadBalancer.healthCheck.mode"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, lint.Service(&tt.config), tt.want)
		})
	}
}

func check(t *testing.T, findings []lint.Finding, want []string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		got = append(got, f.Path)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", findings, want)
	}
}
