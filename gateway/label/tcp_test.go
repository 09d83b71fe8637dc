package label_test

import (
	"reflect"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/label"
)

func TestDecodeTCP(t *testing.T) {
	t.Parallel()
	t.Run("OKWhole", func(t *testing.T) {
		t.Parallel()
		s := service("traefik.tcp.routers.db.rule=HostSNI(`db.localhost`)", "traefik.tcp.routers.db.tls.passthrough=true",
			"traefik.tcp.routers.db.middlewares=few", "traefik.tcp.middlewares.few.inflightconn.amount=3",
			"traefik.tcp.services.pg.loadbalancer.server.port=5432", "traefik.tcp.services.pg.loadbalancer.server.tls=true",
			"traefik.tcp.services.pg.loadbalancer.proxyprotocol.version=1", "traefik.tcp.services.pg.loadbalancer.serverstransport=t@file")
		s.Ports = []label.Port{{Published: 9, Target: 5432, UDP: true}, {Published: 15432, Target: 5432}}
		set := decode(t, s)
		o := config.Origin{Provider: "docker", File: "compose.yaml", Service: "web", Line: 5, Layer: 1}
		want := &config.TCPRouter{Origin: o, Rule: "HostSNI(`db.localhost`)", Service: "pg", Middlewares: []string{"few"},
			TLS: &config.RouterTLS{Passthrough: true}}
		if got := set.TCP.Routers["db"]; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		lb := &config.TCPLoadBalancer{Servers: []config.TCPServer{{Address: "127.0.0.1:15432", TLS: true}},
			ProxyProtocol: &config.ProxyProtocol{Version: 1}, ServersTransport: "t@file"}
		if got := set.TCP.Services["pg"].LoadBalancer; !reflect.DeepEqual(got, lb) {
			t.Errorf("got %+v, want %+v", got, lb)
		}
		if m := set.TCP.Middlewares["few"]; m == nil || m.InFlightConn.Amount != 3 || m.Origin.Line != 8 {
			t.Errorf("got %+v, want the middleware at line 8", m)
		}
		if len(set.Routers)+len(set.Services) != 0 {
			t.Errorf("got %v, %v; want no HTTP router: only TCP is asked for", set.Routers, set.Services)
		}
	})
	t.Run("OKDefaultService", func(t *testing.T) {
		t.Parallel()
		s := service("traefik.tcp.routers.db.rule=HostSNI(`*`)")
		s.Exposed = []int{5432}
		set := decode(t, s)
		if r := set.TCP.Routers["db"]; r.Service != "web-shop" ||
			set.TCP.Services["web-shop"].LoadBalancer.Servers[0].Address != "127.0.0.1:5432" {
			t.Errorf("got %+v and %v, want the default service", r, set.TCP.Services)
		}
	})
	t.Run("OKBesideHTTP", func(t *testing.T) {
		t.Parallel()
		set := decode(t, service("traefik.http.routers.r.rule=Path(`/`)", port,
			"traefik.tcp.routers.db.rule=HostSNI(`*`)", "traefik.tcp.routers.db.service=pg@file"))
		if len(set.Routers) != 1 || len(set.TCP.Routers) != 1 || len(set.TCP.Services) != 0 {
			t.Errorf("got %+v, want both routers and no TCP service", set)
		}
	})
	t.Run("OKWeighted", func(t *testing.T) {
		t.Parallel()
		set := decode(t, service("traefik.tcp.services.w.weighted.services[0].name=a@file",
			"traefik.tcp.services.w.weighted.services[0].weight=2"))
		if len(set.Problems) != 1 || !strings.Contains(set.Problems[0].Message, "Traefik ignores") {
			t.Errorf("got problems %v, want one that tells that Traefik ignores the labels", set.Problems)
		}
		if w := set.TCP.Services["w"].Weighted; w == nil || w.Services[0].Name != "a@file" || *w.Services[0].Weight != 2 {
			t.Errorf("got %+v, want the weighted service", w)
		}
	})
}

func TestDecodeUDP(t *testing.T) {
	t.Parallel()
	s := service("traefik.udp.routers.dns.entrypoints=dns")
	s.Exposed, s.Ports = []int{1}, []label.Port{{Published: 80, Target: 53}, {Published: 5300, Target: 53, UDP: true}}
	set := decode(t, s)
	if r := set.UDP.Routers["dns"]; r.Service != "web-shop" || r.EntryPoints[0] != "dns" ||
		set.UDP.Services["web-shop"].LoadBalancer.Servers[0].Address != "127.0.0.1:5300" {
		t.Errorf("got %+v and %v, want the published UDP port", r, set.UDP.Services)
	}
	s = service("traefik.udp.services.dns.loadbalancer.server.port=53")
	s.Host = "172.17.0.2"
	if got := decode(t, s).UDP.Services["dns"].LoadBalancer.Servers[0].Address; got != "172.17.0.2:53" {
		t.Errorf("got %s, want the container's own address", got)
	}
}

func TestDecodeStore(t *testing.T) {
	t.Parallel()
	set := decode(t, service("traefik.tls.stores.default.defaultgeneratedcert.resolver=le",
		"traefik.tls.stores.default.defaultgeneratedcert.domain.main=a.localhost",
		"traefik.tls.stores.default.defaultgeneratedcert.domain.sans=b,c"))
	s := set.TLSStores["default"]
	if s == nil || s.Origin.Line != 5 || s.DefaultGeneratedCert.Resolver != "le" || len(s.DefaultGeneratedCert.Domain.SANs) != 2 {
		t.Errorf("got %+v, want the store", s)
	}
}

func TestDecodeComposed(t *testing.T) {
	t.Parallel()
	set := decode(t, service("traefik.http.services.w.weighted.services[0].name=a", "traefik.http.services.w.weighted.services[1].name=b@file",
		"traefik.http.services.m.mirroring.service=a", "traefik.http.services.m.mirroring.mirrors[0].name=b",
		"traefik.http.services.m.mirroring.mirrors[0].percent=5",
		"traefik.http.services.f.failover.service=a", "traefik.http.services.f.failover.fallback=b",
		"traefik.http.services.a.loadbalancer.server.port=1", "traefik.http.services.a.loadbalancer.server.weight=3",
		"traefik.http.services.a.loadbalancer.server.scheme=h2c",
		"traefik.http.services.a.loadbalancer.sticky.cookie=true"))
	if len(set.Services) != 4 || len(set.Services["w"].Weighted.Services) != 2 || set.Services["m"].Mirroring.Mirrors[0].Percent != 5 ||
		set.Services["f"].Failover.Fallback != "b" {
		t.Errorf("got %+v, want all services", set.Services)
	}
	lb := set.Services["a"].LoadBalancer
	if s := lb.Servers[0]; s.URL != "h2c://127.0.0.1:1" || *s.Weight != 3 || lb.Sticky == nil || lb.Sticky.Cookie == nil {
		t.Errorf("got %+v, want the server's weight and scheme and a sticky cookie", lb)
	}
}

// TestPlaces shows that a label from another file is reported there.
func TestPlaces(t *testing.T) {
	t.Parallel()
	s := service("traefik.http.routers.a.rule=Path(`/`)", "traefik.http.routers.b.rule=Path(", port)
	s.Files = map[string]string{"traefik.http.routers.b.rule": "base.yaml"}
	set := label.Decode(s)
	if len(set.Problems) != 1 || set.Problems[0].File != "base.yaml" || set.Problems[0].Line != 6 {
		t.Errorf("got %v, want a problem at base.yaml:6", set.Problems)
	}
	s.Labels["traefik.http.routers.b.rule"] = "Path(`/b`)"
	set = decode(t, s)
	if o := set.Routers["b"].Origin; o.File != "base.yaml" || o.Line != 6 || set.Routers["a"].Origin.File != "compose.yaml" {
		t.Errorf("got %+v, want b at base.yaml:6 and a in compose.yaml", o)
	}
}
