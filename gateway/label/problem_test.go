package label_test

import (
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/label"
)

const port = "traefik.http.services.s.loadbalancer.server.port=80"

// mistakes are labels that leave out all of their service.
var mistakes = []struct {
	name   string
	labels []string
	label  string
	line   int
	want   string
	hint   string
}{
	{"ErrUnknownField", []string{port, "traefik.http.routers.My.rulle=Path(`/`)"}, "traefik.http.routers.My.rulle", 6,
		"no such label", "did you mean traefik.http.routers.My.rule?"},
	{"ErrUnknownKind", []string{port, "traefik.http.router.r.rule=Path(`/`)"}, "traefik.http.router.r.rule", 6,
		"no such label", "did you mean traefik.http.routers.r.rule?"},
	{"ErrUnknownDocker", []string{port, "traefik.docker.networks=front"}, "traefik.docker.networks", 6, "no such label",
		"did you mean traefik.docker.network?"},
	{"ErrUnknownTransport", []string{port, "traefik.http.serverstransports.t.servernames=a"}, "traefik.http.serverstransports.t.servernames",
		6,
		"no such label", "did you mean traefik.http.serverstransports.t.servername?"},
	{"ErrUnknownEnable", []string{port, "traefik.enabled=true"}, "traefik.enabled", 6, "no such label", "did you mean traefik.enable?"},
	{"ErrUnknownHeader", []string{port, "traefik.http.middlewares.h.headers.framedenied=true"},
		"traefik.http.middlewares.h.headers.framedenied", 6,
		"no such label", "did you mean traefik.http.middlewares.h.headers.framedeny?"},
	{"ErrEmptySegment", []string{port, "traefik.http.routers..rule=Path(`/`)"}, "traefik.http.routers..rule", 6, "no such label", ""},
	{"ErrBracket", []string{port, "traefik.http.routers.a].rule=Path(`/`)"}, "traefik.http.routers.a].rule", 6, "no such label", ""},
	{"ErrBracketInHeader", []string{port, "traefik.http.middlewares.m.headers.customrequestheaders.a]=b"},
		"traefik.http.middlewares.m.headers.customrequestheaders.a]", 6, "no such label", ""},
	{"ErrEnable", []string{port, "traefik.enable=yes"}, "traefik.enable", 6, `"yes" is neither true nor false`, "write true"},
	{"ErrPriority", []string{port, "traefik.http.routers.r.priority=high"}, "traefik.http.routers.r.priority", 6,
		`"high" is not a whole number`, ""},
	{"ErrDuration", []string{port, "traefik.http.middlewares.m.ratelimit.period=soon"}, "traefik.http.middlewares.m.ratelimit.period", 6,
		`"soon" is not a duration`, ""},
	{"ErrBool", []string{port, "traefik.http.services.s.loadbalancer.passhostheader=maybe"},
		"traefik.http.services.s.loadbalancer.passhostheader", 6,
		`"maybe" is neither true nor false`, ""},
	{"ErrStandalone", []string{port, "traefik.http.middlewares.m.headers.customrequestheaders.X..Y=1"},
		"traefik.http.middlewares.m.headers.customrequestheaders.X..Y", 6,
		"cannot be read", ""},
	{"ErrRule", []string{port, "traefik.http.routers.r.tls=true", "traefik.http.routers.r.rule=Host(`a`,`b`)"}, "traefik.http.routers.r.rule",
		7,
		"rule, column 1: Host takes 1 argument", "write Host(`a`) || Host(`b`)"},
	{"ErrNoPort", []string{"traefik.http.routers.r.rule=Path(`/`)"}, "", 5, "port is missing",
		"add the label traefik.http.services.web-shop.loadbalancer.server.port"},
	{"ErrPort", []string{"traefik.http.services.s.loadbalancer.server.port=70000"}, "traefik.http.services.s.loadbalancer.server.port", 5,
		`"70000" is not a port`, ""},
	{"ErrURLAndPort", []string{port, "traefik.http.services.s.loadbalancer.server.url=http://a"},
		"traefik.http.services.s.loadbalancer.server.port", 5,
		"server.url excludes", ""},
	{"ErrURL", []string{"traefik.http.services.s.loadbalancer.server.url=nowhere"}, "traefik.http.services.s.loadbalancer.server.url", 5,
		"is not a URL", ""},
	{"ErrScheme", []string{port, "traefik.http.services.s.loadbalancer.server.scheme=ftp"}, "traefik.http.services.s.loadbalancer.server.port",
		5,
		"none of http, https and h2c", ""},
	{"ErrSeveralServices", []string{port, "traefik.http.services.t.loadbalancer.server.port=81", "traefik.http.routers.r.rule=Path(`/`)"},
		"traefik.http.routers.r.rule", 7, "cannot be linked automatically with multiple Services", "traefik.http.routers.r.service"},
	{"ErrSeveralKinds", []string{"traefik.http.middlewares.m.addprefix.prefix=/a", "traefik.http.middlewares.m.stripprefix.prefixes=/b"},
		"traefik.http.middlewares.m.addprefix.prefix", 5, "of several kinds: addprefix, stripprefix", "its own name"},
	{"ErrLabelsOfKinds", []string{port, "traefik.http.services.s.weighted.services[0].name=a"},
		"traefik.http.services.s.loadbalancer.server.port", 5, "composed of other services", "its own name"},
	{"ErrWeightedAndFailover", []string{"traefik.http.services.s.weighted.services[0].name=a", "traefik.http.services.s.failover.service=b"},
		"traefik.http.services.s.weighted.services[0].name", 5, "of several kinds: weighted, failover", "its own name"},
	{"ErrTCPKinds", []string{"traefik.tcp.middlewares.m.inflightconn.amount=1", "traefik.tcp.middlewares.m.ipallowlist.sourcerange=::1"},
		"traefik.tcp.middlewares.m.inflightconn.amount", 5, "of several kinds", "its own name"},
	{"ErrTCPNoRule", []string{"traefik.tcp.routers.r.entrypoints=db", "traefik.tcp.services.s.loadbalancer.server.port=1"},
		"traefik.tcp.routers.r.entrypoints", 5,
		"has no rule", "traefik.tcp.routers.r.rule"},
	{"ErrTCPNoPort", []string{"traefik.tcp.routers.r.rule=HostSNI(`*`)"}, "", 5, "port is missing",
		"traefik.tcp.services.web-shop.loadbalancer.server.port"},
	{"ErrTCPSeveral", []string{"traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.services.s.loadbalancer.server.port=1",
		"traefik.tcp.services.t.loadbalancer.server.port=2"},
		"traefik.tcp.routers.r.rule", 5, "cannot be linked", "traefik.tcp.routers.r.service"},
	{"ErrUDPNoPort", []string{"traefik.udp.routers.r.entrypoints=dns"}, "", 5, "port is missing",
		"traefik.udp.services.web-shop.loadbalancer.server.port"},
	{"ErrUDPSeveral", []string{"traefik.udp.routers.r.entrypoints=dns", "traefik.udp.services.s.loadbalancer.server.port=1",
		"traefik.udp.services.t.loadbalancer.server.port=2"},
		"traefik.udp.routers.r.entrypoints", 5, "cannot be linked", "traefik.udp.routers.r.service"},
	{"ErrStore", []string{"traefik.tls.stores.default.defaultgeneratedcerts.resolver=le"},
		"traefik.tls.stores.default.defaultgeneratedcerts.resolver", 5,
		"no such label", "did you mean traefik.tls.stores.default"},
	{"ErrLong", []string{port, "traefik.http.routers.r.rule=" + strings.Repeat("a", 1<<17)}, "traefik.http.routers.r.rule", 6, "longer than",
		""},
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range mistakes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set := label.Decode(service(tt.labels...))
			if len(set.Problems) != 1 {
				t.Fatalf("got problems %v, want one", set.Problems)
			}
			p := set.Problems[0]
			if p.Severity != config.Error || p.File != "compose.yaml" || p.Service != "web" || p.Label != tt.label || p.Line != tt.line {
				t.Errorf("got %+v, want an error at line %d, label %q", p, tt.line, tt.label)
			}
			if !strings.Contains(p.Message, tt.want) || !strings.Contains(p.Fix, tt.hint) || tt.hint == "" && p.Fix != "" &&
				tt.name[:7] != "ErrBrac" && tt.name != "ErrEmptySegment" {
				t.Errorf("got %q, hint %q; want %q, %q", p.Message, p.Fix, tt.want, tt.hint)
			}
			services := map[string]int{"ErrRule": 1, "ErrSeveralServices": 2}[tt.name] // a router is left out by itself
			if len(set.Routers)+len(set.Middlewares) != 0 || len(set.Services) != services {
				t.Errorf("got %+v, want no router, and %d services", set, services)
			}
		})
	}
}

// A router that cannot be takes no other along.
func TestDecodeFaultyRouter(t *testing.T) {
	t.Parallel()
	const port = "traefik.http.services.s.loadbalancer.server.port=80"
	for _, faulty := range [][]string{
		{"traefik.http.routers.b.rule=Host(`b`", "traefik.http.routers.b.service=s"},
		{"traefik.http.routers.b.rule=Host('b')"},
		{"traefik.tcp.routers.b.entrypoints=db", "traefik.tcp.services.t.loadbalancer.server.port=1"},
		{"traefik.tcp.routers.b.rule=HostSNI(`*`)", "traefik.tcp.services.t.loadbalancer.server.port=1",
			"traefik.tcp.services.u.loadbalancer.server.port=2"},
	} {
		set := label.Decode(service(append(faulty, port, "traefik.http.routers.a.rule=Host(`a`)")...))
		if len(set.Problems) != 1 || set.Routers["a"] == nil || len(set.Routers) != 1 || len(set.TCP.Routers) != 0 {
			t.Errorf("%q: got problems %v, routers %v and %v, want one problem and router a", faulty, set.Problems, set.Routers, set.TCP.Routers)
		}
	}
}

func TestDecodeUnsupported(t *testing.T) {
	t.Parallel()
	router := "traefik.http.routers.r.rule=Path(`/`)"
	for _, tt := range []struct {
		name, label string
		severity    config.Severity
		want        string
		routers     int
		unsupported string
	}{
		{"OKPlugin", "traefik.http.middlewares.p.plugin.any.thing.at=all", config.Warning, "not supported", 1, "p"},
		{"OKRedis", "traefik.http.middlewares.m.ratelimit.redis.endpoints=a:1", config.Warning, "not supported", 1, ""},
		{"OKSwarm", "traefik.docker.lbswarm=true", config.Warning, "not supported", 1, ""},
		{"OKVersion1", "traefik.frontend.rule=Host:a", config.Warning, "it is ignored", 1, ""},
		{"ErrVersion2", "traefik.http.routers.r.rulesyntax=v2", config.Error, `the router "r" is left out`, 0, ""},
		{"ErrVersion2TCP", "traefik.tcp.routers.r.rulesyntax=v2", config.Error, `the router "r" is left out`, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set := label.Decode(service(router, port, tt.label))
			if tt.name == "ErrVersion2TCP" {
				set = label.Decode(service(router, port, tt.label, "traefik.tcp.routers.r.rule=HostSNI(`*`)",
					"traefik.tcp.services.s.loadbalancer.server.port=80"))
			}
			if len(set.Problems) != 1 {
				t.Fatalf("got problems %v, want one", set.Problems)
			}
			if p := set.Problems[0]; p.Severity != tt.severity || !strings.Contains(p.Message, tt.want) || p.Line != 7 {
				t.Errorf("got %+v, want severity %d, line 7 and %q", p, tt.severity, tt.want)
			}
			if got := len(set.Routers); got != tt.routers {
				t.Errorf("got %d routers, want %d", got, tt.routers)
			}
			if _, ok := set.Unsupported[tt.unsupported]; ok != (tt.unsupported != "") || len(set.Unsupported) > 1 {
				t.Errorf("got unsupported %v, want %q", set.Unsupported, tt.unsupported)
			}
		})
	}
}

// Labels that Traefik does not look at leave the others in force.
func TestDecodeUnread(t *testing.T) {
	t.Parallel()
	const ignored = "Traefik ignores this label: only files can set it"
	for _, tt := range []struct{ label, message, hint string }{
		{"traefik.tls.options.modern.minversion=VersionTLS13", ignored, "below tls.options"},
		{"traefik.tls.certificates[0].certfile=/a.pem", ignored, "below tls.certificates"},
		{"traefik.tls.stores.other.defaultgeneratedcert.resolver=le", ignored, "below tls.stores"},
		{"traefik.tls.stores.default.defaultcertificate.certfile=/a.pem", ignored, "below tls.stores"},
		{"traefik.http.serverstransports.t.insecureskipverify=true", ignored, "below http.serversTransports"},
		{"traefik.tcp.serverstransports.t.tls=true", ignored, "below tcp.serversTransports"},
		{"traefik.htp.routers.r.rule=Path(`/`)", "it is ignored", "did you mean traefik.http.routers.r.rule?"},
		{"traefik.enabel=true", "it is ignored", "did you mean traefik.enable?"},
		{"traefik.tier=web", "", ""}, // for constraints
		{"traefik.swarm.whatever=1", "", ""},
	} {
		set := label.Decode(service("traefik.http.routers.r.rule=Path(`/`)", port, tt.label))
		if len(set.Routers) != 1 || len(set.Services) != 1 {
			t.Errorf("%s: got %+v, want the router and its service", tt.label, set)
		}
		if tt.message == "" {
			if len(set.Problems) > 0 {
				t.Errorf("%s: got problems %v", tt.label, set.Problems)
			}
			continue
		}
		if len(set.Problems) != 1 {
			t.Errorf("%s: got problems %v, want one", tt.label, set.Problems)
			continue
		}
		if p := set.Problems[0]; p.Severity != config.Warning || p.Line != 7 || !strings.Contains(p.Message, tt.message) ||
			!strings.Contains(p.Fix, tt.hint) {
			t.Errorf("%s: got %+v, want a warning at line 7: %s (%s)", tt.label, p, tt.message, tt.hint)
		}
	}
}

func TestDecodePartly(t *testing.T) {
	t.Parallel()
	t.Run("OKRedisAndMore", func(t *testing.T) {
		t.Parallel()
		set := label.Decode(service("traefik.http.middlewares.m.ratelimit.average=1", "traefik.http.middlewares.m.ratelimit.redis.db=1"))
		if m := set.Middlewares["m"]; m == nil || m.RateLimit.Average != 1 {
			t.Errorf("got %+v, want m to be built", set)
		}
	})
	t.Run("OKRedisAlone", func(t *testing.T) {
		t.Parallel()
		set := label.Decode(service("traefik.http.middlewares.m.ratelimit.redis.db=1"))
		if m := set.Middlewares["m"]; m == nil || m.RateLimit == nil || *m.RateLimit != (config.RateLimit{}) {
			t.Errorf("got %+v, want a limit that limits nothing, as Traefik's", set)
		}
	})
	t.Run("OKInert", func(t *testing.T) {
		t.Parallel()
		decode(t, service(port, "traefik.docker.network=proxy", "traefik.docker.allownonrunning=true"))
	})
	t.Run("OKConstraint", func(t *testing.T) {
		t.Parallel()
		decode(t, service(port, "traefik.constraint-label=public", "traefik.tags=a,b"))
	})
}

// TestList holds the list of labels against the decoder: what it calls
// understood can be decoded, and nothing is both.
func TestList(t *testing.T) {
	t.Parallel()
	values := []string{"1", "true", "Path(`/`)", "web"}
	for _, pattern := range label.Patterns() {
		mark, key := pattern[0], "traefik."+strings.NewReplacer("<n>", "x", "<h>", "X-Y", "[n]", "[0]").Replace(pattern[2:])
		ok := false
		var last *label.Set
		for _, v := range values {
			last = label.Decode(service(key + "=" + v))
			unread := func(p config.Problem) bool {
				return p.Label != "" && p.Severity == config.Error && !strings.Contains(p.Message, "left out") &&
					!strings.Contains(p.Message, "service ") && !strings.Contains(p.Message, "has no rule")
			}
			ok = ok || len(last.Problems) == 0 || !unread(last.Problems[0])
		}
		if !ok {
			t.Errorf("%c %s: got %v", mark, key, last.Problems)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"traefik.enable=true\ntraefik.http.routers.r.rule=Host(`a`)\n" + port,
		"traefik.http.routers.r.tls.domains[0].main=a\ntraefik.http.routers.r.tls.domains[x].main=b",
		"traefik.http.middlewares.m.headers.customrequestheaders.X=1\ntraefik.http.middlewares.m.headers=true",
		"traefik.http.routers.a].rule=x\nTRAEFIK.HTTP.Routers.[0].rule=y", "traefik.tcp.routers=1\ntraefik.http=2\ntraefik.=3\ntraefik..=4",
		"traefik.http.services.s.loadbalancer.server.url=http://[::1\n" +
			"traefik.http.services.s.loadbalancer.healthcheck.interval=9999999999999999999",
		"traefik.http.middlewares.m.plugin.x=1\ntraefik.tls.stores.default.defaultgeneratedcert.resolver=x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set := label.Decode(service(strings.Split(text, "\n")...))
		for name, r := range set.Routers {
			if r.Rule == "" || r.Service == "" {
				t.Errorf("router %q lacks its rule or service: %+v", name, r)
			}
		}
		for name, s := range set.Services {
			if s.LoadBalancer != nil && len(s.LoadBalancer.Servers) == 0 {
				t.Errorf("service %q has no server", name)
			}
		}
		for _, p := range set.Problems {
			if p.File == "" || p.Service == "" || p.Message == "" {
				t.Errorf("problem %+v does not say where or what", p)
			}
		}
	})
}
