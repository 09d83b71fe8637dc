package dynamic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/dynamic"
)

const inYAML = `# the shop
http:
  routers:
    shop:
      rule: Host(` + "`shop.localhost`" + `)
      entryPoints: [web, websecure]
      service: shop
      priority: 42
      middlewares:
        - limit
      tls: {}
  services:
    shop:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:3000
            weight: 3
        healthCheck:
          path: /health
          interval: 5
          timeout: 1500ms
        passHostHeader: false
  middlewares:
    limit:
      rateLimit: {average: 100, burst: 50}
tcp:
  routers:
    db: {rule: "HostSNI(` + "`*`" + `)", service: db}
  services:
    db:
      loadBalancer:
        servers:
          - address: 127.0.0.1:5432
udp:
  services:
    dns:
      loadBalancer:
        servers:
          - address: 127.0.0.1:53
tls:
  certificates:
    - certFile: shop.pem
      keyFile: shop.key
  options:
    default:
      minVersion: VersionTLS13
`

const inTOML = `[http.routers.shop]
rule = "Host(` + "`shop.localhost`" + `)"
entryPoints = ["web", "websecure"]
service = "shop"
priority = 42
middlewares = ["limit"]
[http.routers.shop.tls]

[http.services]
  [http.services.shop.loadBalancer]
  passHostHeader = false
    [[http.services.shop.loadBalancer.servers]]
    url = "http://127.0.0.1:3000"
    weight = 3
    [http.services.shop.loadBalancer.healthCheck]
    path = "/health"
    interval = 5
    timeout = "1500ms"

[http.middlewares]
limit.rateLimit = { average = 100, burst = 50 }

[tcp.routers.db]
rule = "HostSNI(` + "`*`" + `)"
service = "db"
[[tcp.services.db.loadBalancer.servers]]
address = "127.0.0.1:5432"
[[udp.services.dns.loadBalancer.servers]]
address = "127.0.0.1:53"
[[tls.certificates]]
certFile = "shop.pem"
keyFile = "shop.key"
[tls.options.default]
minVersion = "VersionTLS13"
`

const inJSON = `{
	"http": {
		"routers": {
			"shop": {"rule": "Host(` + "`shop.localhost`" + `)", "entryPoints": ["web", "websecure"], "service": "shop",
				"priority": 42, "middlewares": ["limit"], "tls": {}}
		},
		"services": {
			"shop": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:3000", "weight": 3}],
				"healthCheck": {"path": "/health", "interval": 5, "timeout": "1500ms"}, "passHostHeader": false}}
		},
		"middlewares": {"limit": {"rateLimit": {"average": 100, "burst": 50}}}
	},
	"tcp": {
		"routers": {"db": {"rule": "HostSNI(` + "`*`" + `)", "service": "db"}},
		"services": {"db": {"loadBalancer": {"servers": [{"address": "127.0.0.1:5432"}]}}}
	},
	"udp": {"services": {"dns": {"loadBalancer": {"servers": [{"address": "127.0.0.1:53"}]}}}},
	"tls": {
		"certificates": [{"certFile": "shop.pem", "keyFile": "shop.key"}],
		"options": {"default": {"minVersion": "VersionTLS13"}}
	}
}`

func TestRead(t *testing.T) {
	t.Parallel()
	no, weight := false, 3
	want := func(file string, router, service, middleware, tcpRouter, tcpService, udpService, certificate, options int) *dynamic.Set {
		at := func(line int) config.Origin { return config.Origin{Provider: "file", File: file, Line: line} }
		return &dynamic.Set{
			Routers: map[string]*config.Router{"shop": {Origin: at(router), Rule: "Host(`shop.localhost`)",
				EntryPoints: []string{"web", "websecure"},
				Service:     "shop", Priority: 42, Middlewares: []string{"limit"}, TLS: &config.RouterTLS{}}},
			Services: map[string]*config.Service{"shop": {Origin: at(service), LoadBalancer: &config.LoadBalancer{
				Servers: []config.Server{{URL: "http://127.0.0.1:3000", Weight: &weight}},
				HealthCheck: &config.HealthCheck{Path: "/health", Interval: config.Duration(5 * time.Second),
					Timeout: config.Duration(1500 * time.Millisecond)},
				PassHostHeader: &no,
			}}},
			Middlewares: map[string]*config.Middleware{"limit": {Origin: at(middleware), RateLimit: &config.RateLimit{Average: 100, Burst: 50}}},
			TCP: config.TCP{
				Routers: map[string]*config.TCPRouter{"db": {Origin: at(tcpRouter), Rule: "HostSNI(`*`)", Service: "db"}},
				Services: map[string]*config.TCPService{"db": {Origin: at(tcpService),
					LoadBalancer: &config.TCPLoadBalancer{Servers: []config.TCPServer{{Address: "127.0.0.1:5432"}}}}},
			},
			UDP: config.UDP{Services: map[string]*config.UDPService{"dns": {Origin: at(udpService),
				LoadBalancer: &config.UDPLoadBalancer{Servers: []config.UDPServer{{Address: "127.0.0.1:53"}}}}}},
			TLS: config.TLS{
				Certificates: []config.Certificate{{Origin: at(certificate), CertFile: "shop.pem", KeyFile: "shop.key"}},
				Options:      map[string]*config.TLSOptions{"default": {Origin: at(options), MinVersion: "VersionTLS13"}},
			},
		}
	}
	for _, test := range []struct {
		file, data string
		want       *dynamic.Set
	}{
		{"a.yml", inYAML, want("a.yml", 4, 13, 24, 28, 30, 36, 42, 45)},
		{"a.toml", inTOML, want("a.toml", 1, 10, 21, 23, 26, 28, 30, 33)},
		{"a.json", inJSON, want("a.json", 4, 8, 11, 14, 15, 17, 19, 20)},
		{"b.yaml", strings.ReplaceAll(inJSON, "\t", "  "), want("b.yaml", 4, 8, 11, 14, 15, 17, 19, 20)},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			got, problems := dynamic.Read(context.Background(), test.file, []byte(test.data), nil)
			if len(problems) > 0 {
				t.Fatalf("got problems %v, want none", problems)
			}
			if line, want := got.Locations.Lines["http.routers.shop"], test.want.Routers["shop"].Origin.Line; line != want {
				t.Errorf("got line %d of the router, want %d", line, want)
			}
			got.Locations = nil
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %s\nwant %s", written(t, got), written(t, test.want))
			}
			if !dynamic.IsDynamicConfig([]byte(test.data)) {
				t.Error("not recognized")
			}
		})
	}
}

func written(t *testing.T, set *dynamic.Set) []byte {
	t.Helper()
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadProblems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file, data string
		want             []string // "line: message (hint)"
		refused          bool
	}{
		{"OKEmpty", "a.yml", "", nil, false},
		{"OKComment", "a.yml", "# nothing yet\n", nil, false},
		{"OKEmptySections", "a.yml", "http:\n  routers: {}\ntcp:\n", nil, false},
		{"OKAnchors", "a.yml", "x-hdr: &h {rateLimit: {average: 1}}\nhttp:\n  middlewares:\n    a:\n      <<: *h\n", nil, false},
		{"OKCommaList", "a.yml", "http:\n  routers:\n    a: {rule: x, entryPoints: 'web, websecure'}\n", nil, false},
		{"OKNumericKey", "a.yml", "http:\n  middlewares:\n    a: {errors: {statusRewrites: {418: 404}, service: x}}\n", nil, false},
		{"ErrUnknownField", "a.yml", "http:\n  routers:\n    a:\n      rulez: x\n",
			[]string{`4: Traefik has no field "rulez" in http.routers.a (did you mean rule?)`}, true},
		{"ErrUnknownFieldTOML", "a.toml", "[http.routers.a]\nrule = 'x'\n[http.routers.b]\nentrypiont = ['web']\n",
			[]string{`4: Traefik has no field "entrypiont" in http.routers.b (did you mean entryPoints?)`}, true},
		{"ErrUnknownFieldJSON", "a.json", "{\"http\": {\n\"routers\": {\"a\": {\n\"rul\": \"x\"}}}}",
			[]string{`3: Traefik has no field "rul" in http.routers.a (did you mean rule?)`}, true},
		{"ErrAllAtOnce", "a.yml", "http:\n  routers:\n    a: {priority: high}\n  services:\n    a:\n      loadBalancer:\n" +
			"        healthCheck: {interval: soon}\n        passHostHeader: 'yes'\n",
			[]string{`3: http.routers.a.priority: "high" is not a whole number, or too large`,
				`7: http.services.a.loadBalancer.healthCheck.interval: "soon" is not a duration such as 10s or 1m`,
				`8: http.services.a.loadBalancer.passHostHeader: "yes" is neither true nor false`}, true},
		{"ErrServersNotFields", "a.yml", "http:\n  services:\n    a: {loadBalancer: {servers: ['http://x']}}\n",
			[]string{`3: http.services.a.loadBalancer.servers[0] must hold fields`}, true},
		{"ErrNotAList", "a.yml", "http:\n  services:\n    a: {loadBalancer: {servers: {url: x}}}\n",
			[]string{`3: http.services.a.loadBalancer.servers must be a list`}, true},
		{"ErrNotASingleValue", "a.yml", "http:\n  routers:\n    a:\n      rule: [a, b]\n",
			[]string{`4: http.routers.a.rule must be a single value`}, true},
		{"ErrNotAMapping", "a.yml", "- http\n", []string{`1: the file must hold fields`}, true},
		{"ErrNoField", "a.yml", "http:\n  services:\n    a:\n      loadBalancer: {}\n",
			[]string{`4: http.services.a.loadBalancer holds no field`}, true},
		{"ErrYAML", "a.yml", "http:\n  routers:\n   a: [\n",
			[]string{"4: the YAML is malformed: a value is missing, or a bracket is not closed"}, true},
		{"ErrTOML", "a.toml", "[http]\nrouters = \n", []string{"2: the TOML is malformed: "}, true},
		{"ErrJSON", "a.json", "{\"http\":\n{]}", []string{"2: the JSON is malformed: "}, true},
		{"ErrTwice", "a.yml", "http:\n  routers:\n    a: {rule: x}\n    a: {rule: y}\n",
			[]string{`4: the YAML is malformed: the key "a" is there twice`}, true},
		{"ErrTwiceByCase", "a.yml", "http:\n  routers:\n    a:\n      rule: x\n      Rule: y\n",
			[]string{`5: http.routers.a.Rule is there twice`}, true},
		{"ErrPlugin", "a.yml", "http:\n  middlewares:\n    geo:\n      plugin: {block: {x: 1}}\n    ok: {compress: {}}\n",
			[]string{`4: middleware "geo" is left out: plugins are not supported`}, false},
		{"ErrParentRefs", "a.yml", "http:\n  routers:\n    child: {rule: x, parentRefs: [a]}\n",
			[]string{`3: router "child" is left out: routers of several layers are not supported`}, false},
		{"WarnNull", "a.yml", "http:\n  routers:\n    a:\n      rule: x\n      tls:\n",
			[]string{`5: http.routers.a.tls has no value, and so counts as not set (write tls: {} to switch it on)`}, false},
		{"WarnNullHeader", "a.yml", "http:\n  middlewares:\n    a: {headers: {frameDeny: true, customResponseHeaders: {Server: }}}\n",
			[]string{`3: http.middlewares.a.headers.customResponseHeaders.Server has no value, and so counts as not set (write Server: "" for an empty text)`}, false},
		{"WarnSection", "a.yml", "htttp:\n  routers: {}\n",
			[]string{`1: Traefik has no section "htttp" in dynamic files: it is ignored (did you mean http?)`}, false},
		{"WarnStatic", "a.yml", "entryPoints:\n  web: {address: ':80'}\n",
			[]string{`1: "entryPoints" belongs to Traefik's static configuration: it is ignored here (put it into the file or flags that start Traefik)`}, false},
		{"WarnRedis", "a.yml", "http:\n  middlewares:\n    a: {rateLimit: {average: 1, redis: {endpoints: [x], db: 1, tls: {ca: x}}}}\n",
			[]string{`3: redis is ignored: the limit is counted in this process, without Redis`}, false},
		{"WarnRedisAlone", "a.yml", "http:\n  middlewares:\n    a:\n      rateLimit: {redis: {db: 1}}\n", []string{`4: redis is ignored`}, false},
		{"ErrRateLimitEmpty", "a.yml", "http:\n  middlewares:\n    a: {rateLimit: {}}\n",
			[]string{`3: http.middlewares.a.rateLimit holds no field`}, true},
		{"WarnNoEffect", "a.yml", "tls:\n  options:\n    a: {sniStrict: true, preferServerCipherSuites: true}\n",
			[]string{`3: preferServerCipherSuites is ignored: it has no effect, as in Traefik v3`}, false},
		{"ErrPassthrough", "a.yml", "http:\n  routers:\n    a: {rule: x, tls: {passthrough: true}}\n",
			[]string{`3: Traefik has no field "passthrough" in http.routers.a.tls`}, true},
		{"ErrIssuerUnit", "a.toml", "[http.middlewares.a.passTLSClientCert.info.issuer]\norganizationalUnit = true\n",
			[]string{`2: Traefik has no field "organizationalUnit" in http.middlewares.a.passTLSClientCert.info.issuer`}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			set, problems := dynamic.Read(context.Background(), test.file, []byte(test.data), nil)
			if len(problems) != len(test.want) {
				t.Fatalf("got problems %q, want %q", told(problems), test.want)
			}
			for i, got := range told(problems) {
				if !strings.HasPrefix(got, test.want[i]) {
					t.Errorf("got %q, want %q", got, test.want[i])
				}
			}
			if empty := reflect.DeepEqual(set, &dynamic.Set{}); test.refused && !empty {
				t.Errorf("got %+v, want nothing", set)
			}
		})
	}
}

// told is what an author sees of each problem.
func told(problems []config.Problem) []string {
	var out []string
	for _, p := range problems {
		s := fmt.Sprintf("%d: %s", p.Line, p.Message)
		if p.Fix != "" {
			s += " (" + p.Fix + ")"
		}
		out = append(out, s)
	}
	return out
}

func TestReadEmptyStructs(t *testing.T) {
	t.Parallel()
	set, problems := dynamic.Read(context.Background(), "a.yml", []byte(`http:
  routers:
    on: {rule: x, tls: true}
    off: {rule: x, tls: false}
  middlewares:
    zip: {compress: {}}
    ws: {ipAllowList: {sourceRange: [127.0.0.1/32], ipStrategy: {}}}
  services:
    a: {loadBalancer: {sticky: {cookie: {}}, servers: [{url: 'http://x'}, {url: 'http://y'}]}}
`), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if set.Routers["on"].TLS == nil || set.Routers["off"].TLS != nil {
		t.Errorf("got tls %v and %v, want on and off", set.Routers["on"].TLS, set.Routers["off"].TLS)
	}
	if set.Middlewares["zip"].Compress == nil || set.Middlewares["ws"].IPAllowList.IPStrategy == nil ||
		set.Services["a"].LoadBalancer.Sticky.Cookie == nil {
		t.Error("an empty mapping did not switch its field on")
	}
	if got := len(set.Services["a"].LoadBalancer.Servers); got != 2 {
		t.Errorf("got %d servers, want 2", got)
	}
}

func TestRecognize(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]bool{
		"http:\n  routers: {}":                  true,
		"# x\ntls:\n":                           true,
		"{{ range until 3 }}\nhttp:\n{{ end }}": true,
		"[http.routers.a]\n":                    true,
		"[[tls.certificates]]\n":                true,
		"{http: {routers: {}}}":                 true,
		"services:\n  a:\n    image: b\n":       false,
		"services:\n  http:\n    image: b\n":    false,
		"entryPoints:\n  web:\n":                false,
		"http://example.org\n":                  false,
		"":                                      false,
	} {
		if got := dynamic.IsDynamicConfig([]byte(data)); got != want {
			t.Errorf("%q: got %v, want %v", data, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, data := range []string{inYAML, inTOML, inJSON, "http: &a\n  routers: *a\n", "a: &a [x]\nhttp:\n  <<: [*a]\n",
		"{{ range $i := until 3 }}http:\n{{ end }}"} {
		for _, name := range []string{"a.yml", "a.toml", "a.json"} {
			f.Add(name, []byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		set, problems := dynamic.Read(context.Background(), name, data, nil)
		if set == nil {
			t.Fatal("got no set")
		}
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || p.File != name {
				t.Errorf("got problem %+v", p)
			}
			if strings.HasPrefix(p.Message, "the file cannot be read") {
				t.Errorf("the checker let pass what the parser refuses: %s", p.Message)
			}
		}
		dynamic.IsDynamicConfig(data)
	})
}
