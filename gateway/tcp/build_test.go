package tcp_test

import (
	"slices"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/layer4"
	"axion/gateway/tcp"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	ok := config.TCPRouter{EntryPoints: []string{entry}, Rule: "HostSNI(`*`)", Service: "s"}
	for _, tt := range []struct {
		name        string
		set         func(*config.TCP, *config.TCPRouter)
		severity    config.Severity
		field, want string
		hint        string
	}{
		{"ErrRule", func(_ *config.TCP, r *config.TCPRouter) { r.Rule = "Host(`a`)" }, config.Error, "rule", "it is HTTP's", "write HostSNI"},
		{"ErrNoTLS", func(_ *config.TCP, r *config.TCPRouter) { r.Rule = "HostSNI(`a`)" }, config.Error, "rule", "without TLS",
			"traefik.tcp.routers.r.tls=true"},
		{"ErrSyntax", func(_ *config.TCP, r *config.TCPRouter) { r.RuleSyntax = "v2" }, config.Error, "rulesyntax", `"v2"`, "v3"},
		{"ErrNoService", func(_ *config.TCP, r *config.TCPRouter) { r.Service = "" }, config.Error, "service", "no service", "routers.r.service"},
		{"ErrService", func(_ *config.TCP, r *config.TCPRouter) { r.Service = "ss" }, config.Error, "service", `"ss" does not exist`,
			`did you mean "s"?`},
		{"ErrMiddleware", func(_ *config.TCP, r *config.TCPRouter) { r.Middlewares = []string{"x"} }, config.Error, "middlewares",
			`"x" does not exist`, ""},
		{"ErrMiddlewareEmpty", func(c *config.TCP, r *config.TCPRouter) {
			r.Middlewares = []string{"m"}
			c.Middlewares = map[string]*config.TCPMiddleware{"m": {IPAllowList: &config.TCPIPAllowList{}}}
		}, config.Error, "middlewares", "sourcerange is empty", ""},
		{"ErrMiddlewareAmount", func(c *config.TCP, r *config.TCPRouter) {
			r.Middlewares = []string{"m"}
			c.Middlewares = map[string]*config.TCPMiddleware{"m": {InFlightConn: &config.InFlightConn{}}}
		}, config.Error, "middlewares", "must be positive", ""},
		{"ErrEntryPoint", func(_ *config.TCP, r *config.TCPRouter) { r.EntryPoints = []string{"x"} }, config.Error, "entrypoints", "none of",
			"db, web"},
		{"OKOneEntryPoint", func(_ *config.TCP, r *config.TCPRouter) { r.EntryPoints = []string{"x", entry} }, config.Warning, "entrypoints",
			`"x" does not exist`, "db, web"},
		{"OKNoEntryPoint", func(_ *config.TCP, r *config.TCPRouter) { r.EntryPoints = nil }, config.Warning, "entrypoints",
			"every connection of web", ""},
		{"ErrOptions", func(_ *config.TCP, r *config.TCPRouter) { r.TLS = &config.RouterTLS{Options: "x"} }, config.Error, "tls.options",
			`"x" do not exist`, ""},
		{"OKPassthrough", func(_ *config.TCP, r *config.TCPRouter) {
			r.TLS = &config.RouterTLS{Passthrough: true, CertResolver: "x"}
		}, config.Warning, "tls.passthrough", "of no effect", ""},
		{"ErrCycle", func(c *config.TCP, _ *config.TCPRouter) {
			c.Services["s"] = &config.TCPService{Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "s"}}}}
		}, config.Error, "service", "leads back to itself", ""},
		{"ErrChild", func(c *config.TCP, _ *config.TCPRouter) {
			c.Services["s"] = &config.TCPService{Weighted: &config.TCPWeighted{Services: []config.WeightedService{{Name: "sss"}}}}
		}, config.Error, "service", `"sss" does not exist`, ""},
		{"ErrNoKind", func(c *config.TCP, _ *config.TCPRouter) { c.Services["s"] = &config.TCPService{} }, config.Error, "service",
			"has no loadbalancer", ""},
		{"ErrAddress", func(c *config.TCP, _ *config.TCPRouter) { c.Services["s"] = balanced("db") }, config.Error, "service",
			`"db" is not host:port`, "127.0.0.1:5432"},
		{"ErrProxyProtocol", func(c *config.TCP, _ *config.TCPRouter) {
			c.Services["s"].LoadBalancer.ProxyProtocol = &config.ProxyProtocol{Version: 3}
		}, config.Error, "service", "proxyprotocol.version 3", "1 or 2"},
		{"ErrTransport", func(c *config.TCP, _ *config.TCPRouter) { c.Services["s"].LoadBalancer.ServersTransport = "x" }, config.Error,
			"service", `serversTransport "x"`, ""},
		{"ErrRootCA", func(c *config.TCP, _ *config.TCPRouter) {
			c.Services["s"].LoadBalancer.ServersTransport = "t"
			c.ServersTransports = map[string]*config.TCPServersTransport{"t": {TLS: &config.TCPClientTLS{RootCAs: []string{"/nowhere.pem"}}}}
		}, config.Error, "service", "tls.rootcas", ""},
		{"OKTransportDecides", func(c *config.TCP, _ *config.TCPRouter) {
			lb := c.Services["s"].LoadBalancer
			lb.ServersTransport, lb.ProxyProtocol = "t", &config.ProxyProtocol{}
			c.ServersTransports = map[string]*config.TCPServersTransport{"t": {}}
		}, config.Warning, "service", "in its stead", "on the serversTransport"},
		{"ErrHealthPort", func(c *config.TCP, _ *config.TCPRouter) {
			c.Services["s"].LoadBalancer.HealthCheck = &config.TCPHealthCheck{Port: -1}
		}, config.Error, "service", "healthcheck.port", ""},
		{"OKSameRule", func(c *config.TCP, r *config.TCPRouter) {
			other := *r
			c.Routers["q"] = &other
		}, config.Warning, "rule", `the router "q" takes its connections, which has the same priority`, "priority"},
		{"OKBesideTLS", func(c *config.TCP, r *config.TCPRouter) {
			other := *r
			other.TLS = &config.RouterTLS{Passthrough: true}
			c.Routers["q"] = &other
		}, config.Notice, "entrypoints", "the client has to speak first", "of its own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := ok
			c := &config.TCP{Routers: map[string]*config.TCPRouter{"r": &r}, Services: map[string]*config.TCPService{"s": balanced("127.0.0.1:1")}}
			tt.set(c, &r)
			opts := options()
			opts.TLSOptions = func(string) bool { return false }
			tables := tcp.Build(c, opts)
			i := slices.IndexFunc(tables.Findings(), func(f layer4.Finding) bool {
				return f.Router == "r" && f.Severity == tt.severity && f.Field == tt.field && strings.Contains(f.Message, tt.want) &&
					strings.Contains(f.Hint, tt.hint)
			})
			if i < 0 {
				t.Errorf("got %+v, want %s: %s (%s)", tables.Findings(), tt.field, tt.want, tt.hint)
			}
			at := slices.IndexFunc(tables.Routes(), func(r tcp.Route) bool { return r.Name == "r" })
			if got := tables.Routes()[at].Enabled; got != (tt.severity != config.Error) {
				t.Errorf("got enabled %t", got)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	c := &config.TCP{
		Routers: map[string]*config.TCPRouter{
			"all":   {Rule: "HostSNI(`*`)", Service: "s", TLS: &config.RouterTLS{}},
			"a":     {Rule: "HostSNI(`a`)", Service: "s", TLS: &config.RouterTLS{}, EntryPoints: []string{entry, entry}},
			"b":     {Rule: "HostSNI(`b`)", Service: "s", TLS: &config.RouterTLS{}},
			"over":  {Rule: "HostSNI(`b`)", Service: "s", TLS: &config.RouterTLS{}, Origin: config.Origin{Layer: 1}},
			"first": {Rule: "HostSNI(`*`)", Service: "s", TLS: &config.RouterTLS{}, Priority: 100},
		},
		Services: map[string]*config.TCPService{"s": balanced("127.0.0.1:1")},
	}
	tables := tcp.Build(c, options())
	var got []string
	for _, r := range tables.Routes() {
		got = append(got, r.Name)
	}
	if want := []string{"first", "over", "a", "b", "all"}; !slices.Equal(got, want) {
		t.Errorf("got order %v, want %v", got, want)
	}
	a := tables.Routes()[2]
	if !slices.Equal(a.EntryPoints, []string{entry}) || !slices.Equal(a.Hosts, []string{"a"}) || a.AnyHost || a.Priority != 12 || !a.Enabled {
		t.Errorf("got %+v", a)
	}
	if tables.Table(entry).Empty() || tables.Table("web").Empty() || !tables.Table("other").Empty() {
		t.Error("the entrypoints do not have the routes that name them")
	}
	if again := tcp.Build(&config.TCP{}, options()); len(again.Routes()) != 0 || !again.Table(entry).Empty() {
		t.Error("an empty configuration has routes")
	}
}
