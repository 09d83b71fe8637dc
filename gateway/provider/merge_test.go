package provider

import (
	"reflect"
	"strings"
	"testing"

	"axion/gateway/config"
	"axion/gateway/provider/compose/composetest"
)

// TestReferences shows that whatever names another thing does so in full.
func TestReferences(t *testing.T) {
	t.Parallel()
	file := `
http:
  routers:
    r: {rule: "Path(` + "`/`" + `)", service: w, middlewares: [chain, x@docker], tls: {options: strict}}
    plain: {rule: "Path(` + "`/p`" + `)", service: lb, tls: {options: default}}
  middlewares:
    chain: {chain: {middlewares: [errors, x@docker]}}
    errors: {errors: {status: ["500"], service: lb, query: /}}
  services:
    lb: {loadBalancer: {serversTransport: t, servers: [{url: "http://127.0.0.1:1"}]}}
    w: {weighted: {services: [{name: lb}, {name: a@docker}]}}
    m: {mirroring: {service: lb, mirrors: [{name: w}]}}
    f: {failover: {service: lb, fallback: a@docker}}
    h: {highestRandomWeight: {services: [{name: lb}]}}
  serversTransports:
    t: {serverName: x}
tcp:
  routers:
    r: {rule: "HostSNI(` + "`*`" + `)", service: w, middlewares: [few], tls: {options: strict}}
  middlewares:
    few: {inFlightConn: {amount: 1}}
  services:
    lb: {loadBalancer: {serversTransport: t, servers: [{address: "127.0.0.1:1"}]}}
    w: {weighted: {services: [{name: lb}]}}
  serversTransports:
    t: {dialTimeout: 1s}
udp:
  routers:
    r: {entryPoints: [dns], service: w}
  services:
    lb: {loadBalancer: {servers: [{address: "127.0.0.1:1"}]}}
    w: {weighted: {services: [{name: lb}]}}
tls:
  options:
    default: {minVersion: VersionTLS12}
    strict: {minVersion: VersionTLS13}
  stores:
    default: {}
`
	dir := composetest.Unpack(t, "-- routes.yaml --\n"+strings.TrimSpace(file)+"\n")
	d := open(t, Options{Files: []string{dir}}).Dynamic()
	if len(d.Problems) != 0 {
		t.Fatalf("got problems %v", d.Problems)
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"router", []any{d.Routers["r@file"].Service, d.Routers["r@file"].Middlewares, d.Routers["r@file"].TLS.Options},
			[]any{"w@file", []string{"chain@file", "x@docker"}, "strict@file"}},
		{"default options", d.Routers["plain@file"].TLS.Options, "default"},
		{"chain", d.Middlewares["chain@file"].Chain.Middlewares, []string{"errors@file", "x@docker"}},
		{"errors", d.Middlewares["errors@file"].Errors.Service, "lb@file"},
		{"transport", d.Services["lb@file"].LoadBalancer.ServersTransport, "t@file"},
		{"weighted", d.Services["w@file"].Weighted.Services, []config.WeightedService{{Name: "lb@file"}, {Name: "a@docker"}}},
		{"mirroring", []any{d.Services["m@file"].Mirroring.Service, d.Services["m@file"].Mirroring.Mirrors[0].Name}, []any{"lb@file", "w@file"}},
		{"failover", *d.Services["f@file"].Failover, config.Failover{Service: "lb@file", Fallback: "a@docker"}},
		{"hrw", d.Services["h@file"].HighestRandomWeight.Services[0].Name, "lb@file"},
		{"TCP router", []any{d.TCP.Routers["r@file"].Service, d.TCP.Routers["r@file"].Middlewares, d.TCP.Routers["r@file"].TLS.Options},
			[]any{"w@file", []string{"few@file"}, "strict@file"}},
		{"TCP service", []any{d.TCP.Services["lb@file"].LoadBalancer.ServersTransport, d.TCP.Services["w@file"].Weighted.Services[0].Name},
			[]any{"t@file", "lb@file"}},
		{"UDP", []any{d.UDP.Routers["r@file"].Service, d.UDP.Services["w@file"].Weighted.Services[0].Name}, []any{"w@file", "lb@file"}},
		{"kinds", []int{len(d.ServersTransports), len(d.TCP.Middlewares), len(d.TCP.ServersTransports), len(d.TLS.Options), len(d.TLS.Stores)},
			[]int{1, 1, 1, 2, 1}},
		{"options", d.TLS.Options["default"] != nil && d.TLS.Options["strict@file"] != nil, true},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestConflicts shows that kinds of all names are left out where they differ.
func TestConflicts(t *testing.T) {
	t.Parallel()
	one := func(a, b string) string {
		return "http:\n  serversTransports: {t: {serverName: " + a + "}, same: {serverName: x}}\ntcp:\n  routers: {r: {rule: \"HostSNI(`" + a +
			"`)\", service: s, tls: {}}}\n" +
			"  services: {s: {loadBalancer: {servers: [{address: \"" + a + ":1\"}]}}}\n  middlewares: {m: {inFlightConn: {amount: " + b + "}}}\n" +
			"udp:\n  services: {s: {loadBalancer: {servers: [{address: \"" + a + ":1\"}]}}}\ntls:\n  options: {default: {maxVersion: VersionTLS1" +
			b + "}}\n"
	}
	dir := composetest.Unpack(t, "-- a.yaml --\n"+one("a", "2")+"-- b.yaml --\n"+one("b", "3"))
	d := open(t, Options{Files: []string{dir}}).Dynamic()
	if len(d.TCP.Routers)+len(d.TCP.Middlewares)+len(d.TLS.Options) != 0 || len(d.ServersTransports) != 1 {
		t.Errorf("got %+v, want what differs left out", d)
	}
	if len(d.TCP.Services["s@file"].LoadBalancer.Servers) != 2 || len(d.UDP.Services["s@file"].LoadBalancer.Servers) != 2 {
		t.Errorf("got %+v, %+v; want the servers of both", d.TCP.Services, d.UDP.Services)
	}
	found := 0
	for _, p := range d.Problems {
		if strings.Contains(p.Message, "defines it differently") && p.Severity == config.Error {
			found++
		}
	}
	if found != 8 {
		t.Errorf("got %d errors, want one for each side of four conflicts: %v", found, d.Problems)
	}
}
