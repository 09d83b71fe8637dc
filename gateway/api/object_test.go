package api_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/gateway/api"
	"axion/gateway/config"
	"axion/gateway/secret"
)

func TestNewObject(t *testing.T) {
	t.Parallel()
	no, zero, subnet := false, 0, 64
	for name, tt := range map[string]struct {
		of   any
		want string
	}{
		"Router": {&config.Router{Rule: "Path(`/`)", Service: "s", Middlewares: []string{"m"}},
			`"middlewares":["m"],"observability":{"accessLogs":true,"metrics":true,"traceVerbosity":"minimal","tracing":true},"rule":"Path(` +
				"`/`" + `)","service":"s"`},
		"Quiet": {&config.Router{Observability: &config.Observability{Metrics: &no, TraceVerbosity: "detailed"}, TLS: &config.RouterTLS{}},
			`"observability":{"accessLogs":true,"metrics":false,"traceVerbosity":"detailed","tracing":true},"tls":{}`},
		"Service": {&config.Service{LoadBalancer: &config.LoadBalancer{Servers: []config.Server{{URL: "http://a", Weight: &zero}},
			PassHostHeader: &no,
			Sticky:         &config.Sticky{Cookie: &config.Cookie{Name: "c"}}, HealthCheck: &config.HealthCheck{Path: "/h"},
			PassiveHealthCheck: &config.PassiveHealthCheck{}}},
			`"loadBalancer":{"healthCheck":{"followRedirects":true,"interval":"30s","mode":"http","path":"/h","timeout":"5s"},"passHostHeader":false,` +
				`"passiveHealthCheck":{"failureWindow":"10s","maxFailedAttempts":1},"responseForwarding":{"flushInterval":"100ms"},"servers":[{"url":"http://a","weight":0}],` +
				`"sticky":{"cookie":{"name":"c","path":"/"}},"strategy":"wrr"}`},
		"Flush": {&config.Service{LoadBalancer: &config.LoadBalancer{Strategy: "p2c",
			ResponseForwarding: &config.ResponseForwarding{FlushInterval: -1}}},
			`"loadBalancer":{"passHostHeader":true,"responseForwarding":{"flushInterval":"-1ns"},"strategy":"p2c"}`},
		"Weighted": {&config.Service{Weighted: &config.Weighted{Services: []config.WeightedService{{Name: "a"}, {Name: "b", Weight: &zero}}}},
			`"weighted":{"services":[{"name":"a","weight":1},{"name":"b","weight":0}]}`},
		"Mirroring": {&config.Service{Mirroring: &config.Mirroring{Service: "a"}},
			`"mirroring":{"maxBodySize":-1,"mirrorBody":true,"service":"a"}`},
		"RateLimit": {&config.Middleware{RateLimit: &config.RateLimit{Average: 5}}, `"rateLimit":{"average":5,"burst":1,"period":"1s"}`},
		"Breaker": {&config.Middleware{CircuitBreaker: &config.CircuitBreaker{Expression: "x", CheckPeriod: config.Duration(time.Second)}},
			`"circuitBreaker":{"checkPeriod":"1s","expression":"x","fallbackDuration":"10s","recoveryDuration":"10s","responseCode":503}`},
		"Compress": {&config.Middleware{Compress: &config.Compress{}}, `"compress":{"encodings":["gzip","br","zstd"]}`},
		"Names": {&config.Middleware{Headers: &config.Headers{BrowserXSSFilter: true, STSSeconds: 1,
			SSLProxyHeaders: map[string]string{"A": "b"}},
			IPAllowList: &config.IPAllowList{IPStrategy: &config.IPStrategy{IPv6Subnet: &subnet, ExcludedIPs: []string{"::1"}}}},
			`"headers":{"browserXssFilter":true,"sslProxyHeaders":{"A":"b"},"stsSeconds":1},"ipAllowList":{"ipStrategy":{"excludedIPs":["::1"],"ipv6Subnet":64}}`},
		"TCP": {&config.TCPService{LoadBalancer: &config.TCPLoadBalancer{Servers: []config.TCPServer{{Address: "a:1"}},
			ProxyProtocol: &config.ProxyProtocol{}}},
			`"loadBalancer":{"proxyProtocol":{"version":2},"servers":[{"address":"a:1"}]}`},
	} {
		before, _ := json.Marshal(tt.of)
		o := api.NewObject("x@docker", tt.of)
		delete(o, "name")
		delete(o, "provider")
		delete(o, "status")
		if got, _ := json.Marshal(o); string(got) != "{"+tt.want+"}" {
			t.Errorf("%s: got %s\nwant {%s}", name, got, tt.want)
		}
		if after, _ := json.Marshal(tt.of); string(after) != string(before) {
			t.Errorf("%s: the configuration was changed to %s", name, after)
		}
	}
}

func TestType(t *testing.T) {
	t.Parallel()
	if got := api.Type(&config.Middleware{IPAllowList: &config.IPAllowList{}}); got != "ipallowlist" {
		t.Errorf("got %q", got)
	}
	if got := api.Type(&config.Service{}); got != "" {
		t.Errorf("got %q", got)
	}
}

// secretFields are all of the configuration's whose values are secret by their names.
var secretFields = []string{"Users", "Key", "Password", "Username", "Token", "Secret"}

// TestFieldsShown goes over all fields that there are: none is hidden for what its name
// looks like.
func TestFieldsShown(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}, of.Kind()) {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] || !strings.HasPrefix(of.PkgPath(), "axion/") {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			if secret.Name(f.Name) && !slices.Contains(secretFields, f.Name) {
				t.Errorf("%s.%s is hidden", of.Name(), f.Name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[config.Dynamic]())
	if len(seen) < 50 {
		t.Errorf("only %d types were found", len(seen))
	}
}

func TestHidden(t *testing.T) {
	t.Parallel()
	o := api.NewObject("m@docker", &config.Middleware{
		BasicAuth:  &config.BasicAuth{Users: []string{"me:$2y$05$hunter2", "$apr1$hunter2:x"}, Realm: "shown1"},
		DigestAuth: &config.DigestAuth{Users: []string{"me:realm:hunter2"}},
		ForwardAuth: &config.ForwardAuth{Address: "http://me:hunter2@a/?access_token=hunter2&b=shown2", TLS: &config.ClientTLS{Key: "hunter2",
			CA: "-----BEGIN hunter2", Cert: "shown3"},
			AuthRequestHeaders: []string{"Authorization"}, AddAuthCookiesToResponse: []string{"shown4"}},
		Headers: &config.Headers{CustomRequestHeaders: map[string]string{"Proxy-Authorization": "hunter2", "X-Session-Id": "hunter2",
			"X-A": "Basic hunter2",
			"X-B": "eyJhbGciOiJI.hunter2.x", "X-C": "0123456789hunter2abcdef", "X-D": "shown5", "Content-Type": "application/vnd.example.v1+json"}},
	})
	text, _ := json.Marshal(o)
	if strings.Contains(string(text), "hunter2") {
		t.Errorf("got %s", text)
	}
	for _, want := range []string{"shown1", "shown2", "shown3", "shown4", "shown5", "application/vnd.example.v1+json",
		`"authRequestHeaders":["Authorization"]`, `"me:•••"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("got no %s in %s", want, text)
		}
	}
}

func TestObserved(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	entry := &config.Observability{AccessLogs: &no, Metrics: &no}
	own := &config.Router{Observability: &config.Observability{Metrics: &yes}}
	for name, tt := range map[string]struct {
		router *config.Router
		entry  *config.Observability
		want   string
	}{
		"Neither":    {&config.Router{}, nil, `{"accessLogs":true,"metrics":true,"traceVerbosity":"minimal","tracing":true}`},
		"EntryPoint": {&config.Router{}, entry, `{"accessLogs":false,"metrics":false,"traceVerbosity":"minimal","tracing":true}`},
		"Both":       {own, entry, `{"accessLogs":false,"metrics":true,"traceVerbosity":"minimal","tracing":true}`},
	} {
		if got, _ := json.Marshal(api.NewObject("r@docker", api.Observed(tt.router, tt.entry))["observability"]); string(got) != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
	if own.Observability.AccessLogs != nil {
		t.Error("the router was changed")
	}
}
