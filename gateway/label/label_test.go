package label_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/label"
)

// service is a compose service "web" of project "shop" with these labels, one a
// line from line 5 on.
func service(labels ...string) label.Service {
	s := label.Service{Name: "web", Project: "shop", File: "compose.yaml", Layer: 1, Labels: map[string]string{}, Lines: map[string]int{}}
	for i, l := range labels {
		key, value, _ := strings.Cut(l, "=")
		s.Labels[key], s.Lines[key] = value, 5+i
	}
	return s
}

// decode fails the test on any problem.
func decode(t *testing.T, s label.Service) *label.Set {
	t.Helper()
	set := label.Decode(s)
	for _, p := range set.Problems {
		if p.Severity != config.Notice {
			t.Errorf("got problem %v", p)
		}
	}
	return set
}

func TestDecodeRouter(t *testing.T) {
	t.Parallel()
	set := decode(t, service(
		"other.label=x",
		"traefik.HTTP.Routers.My-App.Rule=Host(`a.localhost`)",
		"traefik.http.routers.My-App.entrypoints= web , websecure,",
		"traefik.http.routers.My-App.middlewares=a@file, b",
		"traefik.http.routers.My-App.priority=-5",
		"traefik.http.routers.My-App.tls=true",
		"traefik.http.routers.My-App.tls.certresolver=le",
		"traefik.http.routers.My-App.tls.domains[0].main=a.localhost",
		"traefik.http.routers.My-App.tls.domains[0].sans=b.localhost,c.localhost",
		"traefik.http.routers.My-App.tls.domains[1].main=d.localhost",
		"traefik.http.services.s.loadbalancer.server.port=80",
	))
	want := &config.Router{
		Origin:      config.Origin{Provider: "docker", File: "compose.yaml", Service: "web", Line: 6, Layer: 1},
		EntryPoints: []string{"web", "websecure"}, Rule: "Host(`a.localhost`)", Priority: -5, Service: "s",
		Middlewares: []string{"a@file", "b"},
		TLS: &config.RouterTLS{CertResolver: "le", Domains: []config.Domain{
			{Main: "a.localhost", SANs: []string{"b.localhost", "c.localhost"}}, {Main: "d.localhost"}}},
	}
	if got := set.Routers["My-App"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDecodeTLS(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"true": true, "": true, "false": false} {
		set := decode(t, service("traefik.http.routers.r.tls="+value, "traefik.http.services.s.loadbalancer.server.port=80"))
		if got := set.Routers["r"].TLS != nil; got != want {
			t.Errorf("tls=%s: got %t, want %t", value, got, want)
		}
	}
}

func TestDecodeMiddlewares(t *testing.T) {
	t.Parallel()
	set := decode(t, service(
		"traefik.http.middlewares.strip.stripPrefix.prefixes=/a, /b",
		"traefik.http.middlewares.add.addprefix.prefix=/api",
		"traefik.http.middlewares.limit.ratelimit.average=5",
		"traefik.http.middlewares.limit.ratelimit.period=1m",
		"traefik.http.middlewares.slow.ratelimit.period=2",
		"traefik.http.middlewares.h.headers.customrequestheaders.X-Foo=a=b",
		"traefik.http.middlewares.h.headers.customresponseheaders.X-Gone=",
		"traefik.http.middlewares.h.headers.framedeny=true",
		"traefik.http.middlewares.to.redirectscheme.scheme=https",
	))
	for name, want := range map[string]config.Middleware{
		"strip": {StripPrefix: &config.StripPrefix{Prefixes: []string{"/a", "/b"}}},
		"add":   {AddPrefix: &config.AddPrefix{Prefix: "/api"}},
		"limit": {RateLimit: &config.RateLimit{Average: 5, Period: config.Duration(time.Minute)}},
		"slow":  {RateLimit: &config.RateLimit{Period: config.Duration(2 * time.Second)}},
		"h": {Headers: &config.Headers{CustomRequestHeaders: map[string]string{"X-Foo": "a=b"},
			CustomResponseHeaders: map[string]string{"X-Gone": ""}, FrameDeny: true}},
		"to": {RedirectScheme: &config.RedirectScheme{Scheme: "https"}},
	} {
		got := set.Middlewares[name]
		if got == nil {
			t.Fatalf("%s is missing", name)
		}
		want.Origin = got.Origin
		// What the decoder sets by default is the middleware's own matter.
		if name == "h" {
			want.Headers.AddVaryHeader = got.Headers.AddVaryHeader
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, want %+v", name, *got, want)
		}
	}
	if len(set.Routers) != 0 || len(set.Services) != 0 {
		t.Errorf("got routers %v, services %v; want none: nothing asks for them and there is no port", set.Routers, set.Services)
	}
}

func TestDecodeServers(t *testing.T) {
	t.Parallel()
	const at = "traefik.http.services.s.loadbalancer.server."
	for _, tt := range []struct {
		name   string
		labels []string
		change func(*label.Service)
		want   []string
	}{
		{"OKPort", []string{at + "port=3001"}, nil, []string{"http://127.0.0.1:3001"}},
		{"OKScheme", []string{at + "port=3001", at + "scheme=https"}, nil, []string{"https://127.0.0.1:3001"}},
		{"OKURL", []string{at + "url=http://10.0.0.1:80"}, nil, []string{"http://10.0.0.1:80"}},
		{"OKPublished", []string{at + "port=8080"},
			func(s *label.Service) {
				s.Ports = []label.Port{{Target: 9, Published: 1}, {Target: 8080, Published: 8081}}
			}, []string{"http://127.0.0.1:8081"}},
		{"OKPublishedOnAddress", []string{at + "port=8080"},
			func(s *label.Service) { s.Ports = []label.Port{{HostIP: "::1", Target: 8080, Published: 8081}} }, []string{"http://[::1]:8081"}},
		{"OKPublishedEverywhere", []string{at + "port=8080"},
			func(s *label.Service) { s.Ports = []label.Port{{HostIP: "0.0.0.0", Target: 8080, Published: 8081}} },
			[]string{"http://127.0.0.1:8081"}},
		{"OKNotPublished", []string{at + "port=8080"},
			func(s *label.Service) { s.Ports = []label.Port{{Target: 8080}} }, []string{"http://127.0.0.1:8080"}},
		{"OKLowest", []string{"traefik.enable=true"},
			func(s *label.Service) { s.Ports, s.Exposed = []label.Port{{Target: 90, Published: 91}}, []int{80, 100} },
			[]string{"http://127.0.0.1:80"}},
		{"OKBuiltin", []string{at + "port=3001"},
			func(s *label.Service) { s.Addresses = []string{"127.0.0.1:5001", "127.0.0.1:5002"} },
			[]string{"http://127.0.0.1:5001", "http://127.0.0.1:5002"}},
		{"OKBuiltinWithoutPort", []string{"traefik.enable=true"},
			func(s *label.Service) { s.Addresses = []string{"127.0.0.1:5001"} }, []string{"http://127.0.0.1:5001"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := service(tt.labels...)
			if tt.change != nil {
				tt.change(&s)
			}
			var got []string
			for _, v := range decode(t, s).Services {
				for _, u := range v.LoadBalancer.Servers {
					got = append(got, u.URL)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestDecodeHealthCheck(t *testing.T) {
	t.Parallel()
	const at = "traefik.http.services.s.loadbalancer."
	set := decode(t, service(at+"server.port=1", at+"passhostheader=false", at+"healthcheck.path=/health", at+"healthcheck.interval=5s",
		at+"healthcheck.timeout=2", at+"healthcheck.headers.X-A=b", at+"healthcheck.followredirects=false"))
	no := false
	want := &config.LoadBalancer{
		Servers: []config.Server{{URL: "http://127.0.0.1:1"}}, PassHostHeader: &no,
		HealthCheck: &config.HealthCheck{Path: "/health", Interval: config.Duration(5 * time.Second), Timeout: config.Duration(2 * time.Second),
			Headers: map[string]string{"X-A": "b"}, FollowRedirects: &no},
	}
	if got := set.Services["s"].LoadBalancer; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDecodeDefaults(t *testing.T) {
	t.Parallel()
	t.Run("OKRouterAndService", func(t *testing.T) {
		t.Parallel()
		s := service("traefik.enable=true")
		s.Name, s.Exposed = "web_1", []int{80}
		set := decode(t, s)
		r := set.Routers["web-1-shop"]
		if r == nil || r.Rule != "Host(`web-1-shop`)" || r.Service != "web-1-shop" || set.Services["web-1-shop"] == nil {
			t.Errorf("got routers %v, services %v; want the default ones", set.Routers, set.Services)
		}
	})
	t.Run("OKOnlyService", func(t *testing.T) {
		t.Parallel()
		set := decode(t, service("traefik.http.routers.r.rule=Path(`/`)", "traefik.http.services.other.loadbalancer.server.port=1"))
		if got := set.Routers["r"].Service; got != "other" {
			t.Errorf("got service %q, want other", got)
		}
	})
	t.Run("OKForeignService", func(t *testing.T) {
		t.Parallel()
		set := decode(t, service("traefik.http.routers.r.rule=Path(`/`)", "traefik.http.routers.r.service=api@internal"))
		if got := set.Routers["r"].Service; got != "api@internal" || len(set.Services) != 0 {
			t.Errorf("got service %q and services %v, want api@internal alone, without a port", got, set.Services)
		}
	})
}

func TestDecodeEnable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		enable  string
		require bool
		want    int
	}{
		{"", false, 1}, {"", true, 0}, {"true", true, 1}, {"True", false, 1}, {"false", false, 0}, {"0", true, 0},
	} {
		t.Run(fmt.Sprintf("OK%s%t", tt.enable, tt.require), func(t *testing.T) {
			t.Parallel()
			labels := []string{"traefik.http.services.s.loadbalancer.server.port=1"}
			if tt.enable != "" {
				labels = append(labels, "traefik.enable="+tt.enable)
			}
			s := service(labels...)
			s.RequireEnable = tt.require
			set := label.Decode(s)
			if got := len(set.Routers); got != tt.want {
				t.Errorf("got %d routers, want %d", got, tt.want)
			}
			forgotten := tt.require && tt.enable == ""
			if (len(set.Problems) > 0) != forgotten || (set.Unserved != nil) != forgotten {
				t.Errorf("got problems %v and %+v left off, want some only where traefik.enable is missing", set.Problems, set.Unserved)
			}
		})
	}
	t.Run("OKNoTraefikLabel", func(t *testing.T) {
		t.Parallel()
		s := service("com.example=1", "traefik=x")
		s.Exposed = []int{80}
		if set := decode(t, s); len(set.Routers)+len(set.Services) != 0 {
			t.Errorf("got %+v, want nothing", set)
		}
	})
}

func TestDecodeStopped(t *testing.T) {
	t.Parallel()
	s := service("traefik.http.routers.r.rule=Host(`a`)", "traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.udp.routers.r.entrypoints=dns",
		"traefik.http.services.s.loadbalancer.server.port=80", "traefik.tcp.services.s.loadbalancer.server.port=80",
		"traefik.udp.services.s.loadbalancer.server.port=53")
	s.Stopped = true
	set := decode(t, s)
	if lb := set.Services["s"].LoadBalancer; lb == nil || len(lb.Servers) > 0 || set.Routers["r"] == nil {
		t.Errorf("got %+v, want a router of a service without servers", lb)
	}
	if len(set.TCP.Services["s"].LoadBalancer.Servers) > 0 || len(set.UDP.Services["s"].LoadBalancer.Servers) > 0 {
		t.Error("a TCP or UDP service has servers")
	}
}

func TestDecodeBindPortIP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		use  bool
		ip   string
		want string
	}{
		{"OKBound", true, "192.0.2.1", "http://192.0.2.1:8080"},
		{"OKBoundIPv6", true, "2001:db8::1", "http://[2001:db8::1]:8080"},
		{"OKEveryAddress", true, "0.0.0.0", "http://172.17.0.2:80"},
		{"OKNotWanted", false, "192.0.2.1", "http://172.17.0.2:80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := service("traefik.http.services.s.loadbalancer.server.port=80", "traefik.tcp.routers.r.rule=HostSNI(`*`)",
				"traefik.tcp.services.t.loadbalancer.server.port=80")
			s.Host, s.UseBindPortIP, s.Ports = "172.17.0.2", tt.use, []label.Port{{HostIP: tt.ip, Published: 8080, Target: 80}, {HostIP: tt.ip,
				Published: 9090, Target: 81}}
			set := decode(t, s)
			if got := set.Services["s"].LoadBalancer.Servers[0].URL; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := "http://" + set.TCP.Services["t"].LoadBalancer.Servers[0].Address; got != tt.want {
				t.Errorf("TCP: got %s, want %s", got, tt.want)
			}
		})
	}
}
