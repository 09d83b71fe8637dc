package lint_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/lint"
)

// by is a configuration of one thing of the layer of users' files.
func by(change func(d *config.Dynamic, o config.Origin)) *config.Dynamic {
	d := &config.Dynamic{Static: &config.Static{Origin: config.Origin{File: "compose.yaml", Line: 2}}, Routers: map[string]*config.Router{},
		Services:    map[string]*config.Service{},
		Middlewares: map[string]*config.Middleware{}, ServersTransports: map[string]*config.ServersTransport{}}
	change(d, config.Origin{Provider: "docker", File: "compose.yaml", Service: "app", Line: 5, Layer: 1})
	return d
}

func middleware(m config.Middleware) *config.Dynamic {
	return by(func(d *config.Dynamic, o config.Origin) {
		m.Origin = o
		d.Middlewares["m@docker"] = &m
		d.Routers["r@docker"] = &config.Router{Origin: o, Middlewares: []string{"m@docker"}}
	})
}

func balancer(lb config.LoadBalancer) *config.Dynamic {
	return by(func(d *config.Dynamic, o config.Origin) {
		d.Services["s@docker"] = &config.Service{Origin: o, LoadBalancer: &lb}
		d.Routers["r@docker"] = &config.Router{Origin: o, Service: "s@docker"}
	})
}

func static(s config.Static) *config.Dynamic {
	return by(func(d *config.Dynamic, _ config.Origin) { s.Origin = d.Static.Origin; d.Static = &s })
}

func pointer[T any](v T) *T { return &v }

func TestCheck(t *testing.T) {
	t.Parallel()
	cookie := func(c config.Cookie) *config.Dynamic {
		return balancer(config.LoadBalancer{Servers: []config.Server{{URL: "http://a"}}, Sticky: &config.Sticky{Cookie: &c}})
	}
	second := config.Duration(time.Second)
	for name, tt := range map[string]struct {
		d           *config.Dynamic
		label, want string // without any there is no problem
	}{
		"RateLimit": {middleware(config.Middleware{RateLimit: &config.RateLimit{Burst: 5}}), "http.middlewares.m.ratelimit.average",
			"nothing is limited, as in Traefik"},
		"OKRateLimit": {middleware(config.Middleware{RateLimit: &config.RateLimit{Average: 5}}), "", ""},
		"Buffering":   {middleware(config.Middleware{Buffering: &config.Buffering{}}), "http.middlewares.m.buffering", "does nothing"},
		"Chain":       {middleware(config.Middleware{Chain: &config.Chain{}}), "http.middlewares.m.chain.middlewares", "the chain is empty"},
		"Headers":     {middleware(config.Middleware{Headers: &config.Headers{}}), "http.middlewares.m.headers", "sets no header"},
		"GrpcWeb":     {middleware(config.Middleware{GrpcWeb: &config.GrpcWeb{}}), "http.middlewares.m.grpcweb.alloworigins", "no origin"},
		"Errors": {middleware(config.Middleware{Errors: &config.Errors{Service: "s"}}), "http.middlewares.m.errors.status",
			"names no status"},
		"Retry": {middleware(config.Middleware{Retry: &config.Retry{Attempts: 1}}), "http.middlewares.m.retry.attempts",
			"no second one"},
		"ContentType": {middleware(config.Middleware{ContentType: &config.ContentType{AutoDetect: pointer(false)}}),
			"http.middlewares.m.contenttype.autodetect", "switched off"},
		"StripPrefix": {middleware(config.Middleware{StripPrefix: &config.StripPrefix{Prefixes: []string{"api"}}}),
			"http.middlewares.m.stripprefix.prefixes", "no path begins with it"},
		"StripPrefixStar": {middleware(config.Middleware{StripPrefix: &config.StripPrefix{Prefixes: []string{"/api/*"}}}),
			"http.middlewares.m.stripprefix.prefixes", "stands for itself"},
		"ReplacePath": {middleware(config.Middleware{ReplacePath: &config.ReplacePath{Path: "x"}}), "http.middlewares.m.replacepath.path",
			"slash"},
		"RedirectRegex": {middleware(config.Middleware{RedirectRegex: &config.RedirectRegex{Regex: "^a"}}),
			"http.middlewares.m.redirectregex.replacement", "no replacement"},
		"RedirectScheme": {middleware(config.Middleware{RedirectScheme: &config.RedirectScheme{Scheme: "htps"}}),
			"http.middlewares.m.redirectscheme.scheme", "none of http, https"},
		"ForwardAuth": {middleware(config.Middleware{ForwardAuth: &config.ForwardAuth{Address: "http://a:70000"}}),
			"http.middlewares.m.forwardauth.address", "is not a port"},
		"CORS": {middleware(config.Middleware{Headers: &config.Headers{AccessControlAllowMethods: []string{"GET"}}}),
			"http.middlewares.m.headers.accesscontrolalloworiginlist", "no origin is allowed"},
		"STS": {middleware(config.Middleware{Headers: &config.Headers{STSSeconds: -1}}), "http.middlewares.m.headers.stsseconds",
			"negative"},
		"STSPreload": {middleware(config.Middleware{Headers: &config.Headers{STSPreload: true}}), "http.middlewares.m.headers.stsseconds",
			"not sent"},
		"HeaderName": {middleware(config.Middleware{Headers: &config.Headers{CustomRequestHeaders: map[string]string{"X A": "1"}}}),
			"http.middlewares.m.headers.customrequestheaders", "name of a header"},
		"Referrer": {middleware(config.Middleware{Headers: &config.Headers{ReferrerPolicy: "same-orign"}}),
			"http.middlewares.m.headers.referrerpolicy", "browsers pass it over"},
		"Strategy": {middleware(config.Middleware{IPAllowList: &config.IPAllowList{SourceRange: []string{"::1"},
			IPStrategy: &config.IPStrategy{Depth: 1, ExcludedIPs: []string{"::1"}}}}), "http.middlewares.m.ipallowlist.ipstrategy.excludedips",
			"depth decides"},
		"OKHeaders": {middleware(config.Middleware{Headers: &config.Headers{FrameDeny: true,
			ReferrerPolicy: "no-referrer, same-origin"}}), "", ""},

		"SameSite": {cookie(config.Cookie{SameSite: "strct"}), "http.services.s.loadbalancer.sticky.cookie.samesite",
			"served without SameSite"},
		"SameSiteNone": {cookie(config.Cookie{SameSite: "none"}), "http.services.s.loadbalancer.sticky.cookie.secure", "browsers refuse"},
		"CookiePath":   {cookie(config.Cookie{Path: pointer("x")}), "http.services.s.loadbalancer.sticky.cookie.path", "slash"},
		"CookieDomain": {cookie(config.Cookie{Domain: "http://a"}), "http.services.s.loadbalancer.sticky.cookie.domain", "host"},
		"CookieName":   {cookie(config.Cookie{Name: "a b"}), "http.services.s.loadbalancer.sticky.cookie.name", "no name for a cookie"},
		"OKCookie":     {cookie(config.Cookie{Name: "a", SameSite: "Lax", MaxAge: -1}), "", ""},
		"Sticky":       {balancer(config.LoadBalancer{Sticky: &config.Sticky{}}), "http.services.s.loadbalancer.sticky", "nothing sticks"},
		"ServerPort": {balancer(config.LoadBalancer{Servers: []config.Server{{URL: "http://a:70000"}}}),
			"http.services.s.loadbalancer.server.url", "is not a port"},
		"ServerPath": {balancer(config.LoadBalancer{Servers: []config.Server{{URL: "http://a/x"}}}),
			"http.services.s.loadbalancer.server.url", "passed over, as in Traefik"},
		"OKServerPath": {balancer(config.LoadBalancer{Servers: []config.Server{{URL: "http://a/x", PreservePath: true}}}), "", ""},
		"HealthTimeout": {balancer(config.LoadBalancer{HealthCheck: &config.HealthCheck{Interval: second, Timeout: second}}),
			"http.services.s.loadbalancer.healthcheck.timeout", "not less than the interval"},
		"HealthInterval": {balancer(config.LoadBalancer{HealthCheck: &config.HealthCheck{Interval: -second}}),
			"http.services.s.loadbalancer.healthcheck.interval", "negative"},
		"HealthStatus": {balancer(config.LoadBalancer{HealthCheck: &config.HealthCheck{Status: 99}}),
			"http.services.s.loadbalancer.healthcheck.status", "status"},
		"HealthHost": {balancer(config.LoadBalancer{HealthCheck: &config.HealthCheck{Hostname: "a:80"}}),
			"http.services.s.loadbalancer.healthcheck.hostname", "host"},

		"Resolver": {by(func(d *config.Dynamic, o config.Origin) {
			d.Static.CertResolvers = map[string]*config.CertResolver{"letsencrypt": {}}
			d.Routers["r@docker"] = &config.Router{Origin: o, TLS: &config.RouterTLS{CertResolver: "letsencrpt"}}
		}), "http.routers.r.tls.certresolver", "does not exist"},
		"ResolverBare": {by(func(d *config.Dynamic, o config.Origin) {
			d.Static.CertResolvers = map[string]*config.CertResolver{"le": {}}
			d.Routers["r@docker"] = &config.Router{Origin: o, TLS: &config.RouterTLS{CertResolver: "le"}}
		}), "http.routers.r.tls.certresolver", "has no acme"},
		"Domain": {by(func(d *config.Dynamic, o config.Origin) {
			d.Routers["r@docker"] = &config.Router{Origin: o, TLS: &config.RouterTLS{Domains: []config.Domain{{Main: "a.localhost",
				SANs: []string{"https://b"}}}}}
		}), "http.routers.r.tls.domains[0]", "name of a host"},
		"Verbosity": {by(func(d *config.Dynamic, o config.Origin) {
			d.Routers["r@docker"] = &config.Router{Origin: o, Observability: &config.Observability{TraceVerbosity: "much"}}
		}), "http.routers.r.observability.traceverbosity", "is not supported"},
		"Weights": {by(func(d *config.Dynamic, o config.Origin) {
			d.Services["w@docker"] = &config.Service{Origin: o, Weighted: &config.Weighted{Services: []config.WeightedService{{Name: "x",
				Weight: pointer(0)}}}}
			d.Routers["r@docker"] = &config.Router{Origin: o, Service: "w@docker"}
		}), "http.services.w.weighted.services", "503"},
		"Failover": {by(func(d *config.Dynamic, o config.Origin) {
			d.Services["a@docker"] = &config.Service{Origin: o, LoadBalancer: &config.LoadBalancer{}}
			d.Services["f@docker"] = &config.Service{Origin: o, Failover: &config.Failover{Service: "a@docker", Fallback: "a@docker"}}
			d.Routers["r@docker"] = &config.Router{Origin: o, Service: "f@docker"}
		}), "http.services.f.failover.service", "no health check"},
		"UnusedMiddleware": {by(func(d *config.Dynamic, o config.Origin) {
			d.Middlewares["m@docker"] = &config.Middleware{Origin: o, Compress: &config.Compress{}}
		}), "http.middlewares.m", "is not used"},
		"UnusedService": {by(func(d *config.Dynamic, o config.Origin) {
			d.Services["s@docker"] = &config.Service{Origin: o, LoadBalancer: &config.LoadBalancer{}}
		}), "http.services.s", "is not used"},
		"UnusedTransport": {by(func(d *config.Dynamic, o config.Origin) {
			d.ServersTransports["t@docker"] = &config.ServersTransport{Origin: o, ForwardingTimeouts: &config.ForwardingTimeouts{}}
		}), "http.serversTransports.t", "is not used"},
		"OKByEntryPoint": {by(func(d *config.Dynamic, o config.Origin) {
			d.Middlewares["m@docker"] = &config.Middleware{Origin: o, Compress: &config.Compress{}}
			d.Static.EntryPoints = map[string]*config.EntryPoint{"web": {HTTP: config.EntryPointHTTP{Middlewares: []string{"m"}}}}
		}), "", ""},
		"OKByErrors": {by(func(d *config.Dynamic, o config.Origin) {
			d.Services["s@docker"] = &config.Service{Origin: o, LoadBalancer: &config.LoadBalancer{}}
			d.Middlewares["m@docker"] = &config.Middleware{Origin: o, Errors: &config.Errors{Service: "s@docker", Status: []string{"500"}}}
			d.Routers["r@docker"] = &config.Router{Origin: o, Middlewares: []string{"m@docker"}}
		}), "", ""},

		"AccessFolder": {static(config.Static{AccessLog: &config.AccessLog{FilePath: "/nowhere/at/all.log"}}), "", "does not exist"},
		"Streams": {
			static(config.Static{EntryPoints: map[string]*config.EntryPoint{"web": {HTTP2: &config.HTTP2{MaxConcurrentStreams: -1}}}}), "",
			"entrypoints.web.http2.maxconcurrentstreams: -1 is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := lint.Check(tt.d)
			if tt.want == "" {
				if len(problems) > 0 {
					t.Errorf("got %v, want none", problems)
				}
				return
			}
			if len(problems) != 1 {
				t.Fatalf("got %v, want one", problems)
			}
			p := problems[0]
			if tt.label != "" && p.Label != "traefik."+tt.label || !strings.Contains(p.Message, tt.want) || p.File != "compose.yaml" || p.Line == 0 {
				t.Errorf("got %+v, want %q at %q", p, tt.want, tt.label)
			}
			if p.Severity == config.Error {
				t.Errorf("got %+v: what is served is no error", p)
			}
		})
	}
}

// Every field of the model that names a middleware, a service or a transport counts as
// a reference to it.
func TestRefers(t *testing.T) {
	t.Parallel()
	d := by(func(d *config.Dynamic, o config.Origin) {
		d.Routers["r@docker"] = &config.Router{Service: "a", Middlewares: []string{"m1"}}
		d.Middlewares["c@docker"] = &config.Middleware{Chain: &config.Chain{Middlewares: []string{"m2"}}}
		d.Services["s@docker"] = &config.Service{LoadBalancer: &config.LoadBalancer{ServersTransport: "t"}}
		d.Services["w@docker"] = &config.Service{Weighted: &config.Weighted{Services: []config.WeightedService{{Name: "b"}}}}
		d.Services["m@docker"] = &config.Service{Mirroring: &config.Mirroring{Service: "c", Mirrors: []config.Mirror{{Name: "d"}}}}
		d.Services["f@docker"] = &config.Service{Failover: &config.Failover{Service: "e", Fallback: "f"}}
	})
	got := lint.Refers(d)
	set := func(names ...string) map[string]bool {
		m := map[string]bool{}
		for _, n := range names {
			m[n] = true
		}
		return m
	}
	delete(got.Services, "") // the empty ones of what has none
	want := lint.References{Middlewares: set("m1", "m2"), Services: set("a", "b", "c", "d", "e", "f"), Transports: set("t")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
