package gateway_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"axion/gateway/config"
	"axion/gateway/explain"
	"axion/web/view"
)

// TestExplainConnection has explain say the same as what happens.
func TestExplainConnection(t *testing.T) {
	t.Parallel()
	_, ca := identity(t)
	_, behind, _ := net.SplitHostPort(echo(t))
	up := upstream(t, "app")
	labels := slices.Concat(
		route("app", "Host(`app.localhost`)", up, "tls=true"),
		route("far", "Host(`far.example`)", up, "tls=true"),
		route("secure", "Host(`secure.localhost`)", up, "tls.options=mutual@file"),
		route("strict", "Host(`strict.localhost`)", up, "tls.options=strict@file"),
		route("rest", "HostRegexp(`^strict-.+`) && Path(`/`)", up, "tls.options=strict@file"),
		[]string{"tcp.routers.raw.rule=HostSNI(`raw.localhost`)", "tcp.routers.raw.tls=true",
			"tcp.services.raw.loadbalancer.server.port=" + behind},
	)
	s := guard(t, strings.ReplaceAll(compose(labels...), "$", "$$"), mutual(ca)+"    strict: {sniStrict: true}\n")
	for _, test := range []struct {
		url, host            string
		router, outcome      string
		certificate, clients string
		trusted              bool
		status               int // that a request without a certificate really gets; 0 is none
	}{
		{"https://app.localhost/", "", "app@docker", "", "local", "", true, 200},
		{"https://APP.localhost.:443/", "", "app@docker", "", "local", "", true, 200},
		{"https://far.example/", "", "far@docker", "", "local", "", false, 200},
		{"https://nobody.localhost/", "", "", "", "local", "", true, 404},
		{"https://other.example/", "", "", "", "default", "", false, 404},
		{"https://127.0.0.1/", "", "", "", "local", "", true, 404},
		{"https://secure.localhost/", "", "secure@docker", "", "local", "RequireAndVerifyClientCert", true, 0},
		{"https://app.localhost/", "secure.localhost", "", "421 Misdirected", "local", "", true, 421},
		{"https://127.0.0.1/", "secure.localhost:443", "", "421 Misdirected", "local", "", true, 421},
		{"https://strict.localhost/", "", "strict@docker", "", "local", "", true, 200},
		{"https://raw.localhost/", "", "", "TCP router raw@docker", "", "", false, 0},
	} {
		q := explain.Request{URL: test.url, Header: http.Header{}}
		if test.host != "" {
			q.Header.Set("Host", test.host)
		}
		a, err := s.Explainer.Explain(q)
		if err != nil {
			t.Fatalf("%s: %v", test.url, err)
		}
		router := ""
		if a.Router != nil {
			router = a.Router.Name
		}
		want(t, test.url+" "+test.host+": router", router, test.router)
		if !strings.Contains(a.Outcome, test.outcome) || test.outcome == "" && a.Outcome != "" {
			t.Errorf("%s for %s: got the outcome %q, want %q", test.url, test.host, a.Outcome, test.outcome)
		}
		if a.TLS != nil {
			want(t, test.url+": certificate", a.TLS.Certificate, test.certificate)
			want(t, test.url+": trusted", a.TLS.Trusted, test.trusted)
			want(t, test.url+": clients", a.TLS.ClientAuth, test.clients)
		}
		if strings.Contains(test.outcome, "TCP") {
			continue
		}
		name := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(test.url, "https://"), "/"), ".:43")
		host := name
		if test.host != "" {
			host = test.host
		}
		want(t, test.url+" "+test.host+": status", s.ask(name, "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"), test.status)
		var text strings.Builder
		if err := explain.Print(&text, a); err != nil || !strings.Contains(text.String(), "TLS: ") {
			t.Errorf("%s: got %v, %s", test.url, err, text.String())
		}
	}
}

// TestStrict has default options refuse who names no host, or one that nobody has.
func TestStrict(t *testing.T) {
	t.Parallel()
	s := guard(t, compose(slices.Concat(route("app", "Host(`app.localhost`)", upstream(t, "app"), "tls=true"),
		route("all", "PathPrefix(`/`)", upstream(t, "all"), "tls=true"))...), "tls:\n  options:\n    default: {sniStrict: true}\n")
	for _, name := range []string{"", "nobody.localhost", "shop.example"} {
		err := s.handshake(name)
		if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%q: got %v, want the alert unrecognized name", name, err)
		}
		if outcome := s.outcome(name); !strings.Contains(outcome, "sniStrict") {
			t.Errorf("%q: explain says %q", name, outcome)
		}
	}
	for range 2 {
		status, body := get(t, s.client(), "https://app.localhost/")
		want(t, "status", status, 200)
		want(t, "body", body, "app")
	}
}

// outcome is what explain says of a name; an empty one is the address.
func (s *guarded) outcome(name string) string {
	if name == "" {
		name = "127.0.0.1"
	}
	a, err := s.Explainer.Explain(explain.Request{URL: "https://" + name + "/"})
	if err != nil {
		return err.Error()
	}
	return a.Outcome
}

// TestAnyHost has a router without a host take every name, by a certificate that is
// trusted where the root may vouch for it.
func TestAnyHost(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("all", "PathPrefix(`/`)", upstream(t, "all"), "tls=true")...)) // with its usual wait
	begun := time.Now()
	for _, host := range []string{"h.localhost", "a.b.localhost", "localhost", "h.localhost"} {
		status, body := get(t, s.client(), "https://"+host+"/")
		want(t, "status", status, 200)
		want(t, "body", body, "all")
	}
	if s.Waiting() != 0 || time.Since(begun) > patience {
		t.Errorf("waiting: got %d after %s", s.Waiting(), time.Since(begun))
	}
	a, err := s.Explainer.Explain(explain.Request{URL: "https://h.localhost/"})
	if err != nil || a.Router == nil || a.Router.Name != "all@docker" || a.TLS.Certificate != "local" {
		t.Errorf("explain: got %+v, %v", a, err)
	}
}

// TestEntryPointReferences names options and middlewares at an entrypoint without a
// provider: they are the router's provider's.
func TestEntryPointReferences(t *testing.T) {
	t.Parallel()
	up := upstream(t, "app")
	dynamic := `http:
  routers:
    r: {rule: "Host(` + "`r.localhost`" + `)", entryPoints: [sec], service: s}
  services:
    s: {loadBalancer: {servers: [{url: "` + up + `"}]}}
  middlewares:
    mark: {headers: {customResponseHeaders: {X-Mark: file}}}
tls:
  options:
    foo: {maxVersion: VersionTLS12}
`
	doc := "services:\n  proxy:\n    image: traefik:v3.7\n" +
		"    command: [\"--entrypoints.sec.address=:27004\", \"--entrypoints.sec.http.tls.options=foo\", " +
		"\"--entrypoints.sec.http.middlewares=mark\"]\n" +
		strings.TrimPrefix(compose(slices.Concat(
			route("d", "Host(`d.localhost`)", up, "entrypoints=sec"),
			route("own", "Host(`own.localhost`)", up, "entrypoints=sec", "tls.options=foo@file"),
		)...), "services:\n")
	s := guard(t, doc, dynamic)
	state := map[string]view.Route{}
	for _, r := range s.Routes() {
		state[r.Name] = r
	}
	want(t, "the file's router", state["r@file"].Status, view.RouteEnabled)
	want(t, "a label's router", state["d@docker"].Status, view.RouteDisabled)
	if errs := strings.Join(state["d@docker"].Errors, "; "); !strings.Contains(errs, `"foo@docker"`) || !strings.Contains(errs,
		"entrypoint sec") {
		t.Errorf("a label's router: got %s", errs)
	}
	want(t, "a label's router without the middleware", state["own@docker"].Status, view.RouteDisabled)
	if !slices.ContainsFunc(s.Problems(), func(p config.Problem) bool { return strings.Contains(p.Fix, "write foo@file") }) {
		t.Errorf("problems: got %v, want a hint", s.Problems())
	}
	for _, e := range s.EntryPoints().List(s.Table()) {
		if e.Name == "sec" {
			s.secure = e.Address
		}
	}
	resp, body := page(t, s.client(), "https://r.localhost/", "")
	want(t, "body", body, "app")
	want(t, "middleware", resp.Header.Get("X-Mark"), "file")
	want(t, "version", resp.TLS.Version, uint16(0x0303))
}
