package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"axion/gateway/explain"
)

// echoing answers with what a server sees of a request: its path, and the headers X-*
// of these names.
func echoing(t *testing.T, name string, headers ...string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		text := name + " " + r.URL.Path
		for _, h := range headers {
			text += " " + h + "=" + r.Header.Get(h)
		}
		_, _ = io.WriteString(w, text)
	})
}

func TestServiceMiddlewares(t *testing.T) {
	t.Parallel()
	s := start(t, compose(append(route("a", "Host(`a.localhost`)", echoing(t, "a", "X-Added"), "middlewares=first"),
		"http.routers.b.rule=Host(`b.localhost`)", "http.routers.b.service=a",
		"http.middlewares.first.addprefix.prefix=/router", "http.middlewares.last.addprefix.prefix=/service",
		"http.middlewares.add.headers.customrequestheaders.X-Added=yes", "http.middlewares.both.chain.middlewares=last,add",
		"http.services.a.middlewares=both")...))
	if p := s.Problems(); len(p) > 0 {
		t.Fatalf("problems: %v", p)
	}
	_, body := get(t, s.client(), "http://a.localhost/x")
	want(t, "through a router with middlewares of its own", body, "a /service/router/x X-Added=yes")
	_, body = get(t, s.client(), "http://b.localhost/x")
	want(t, "through a second router", body, "a /service/x X-Added=yes")

	var shown struct {
		Type        string
		Middlewares []string
	}
	apiGet(t, s.Gateway, "/api/http/services/a@docker", &shown)
	if shown.Type != "loadbalancer" || len(shown.Middlewares) != 1 || shown.Middlewares[0] != "both" {
		t.Errorf("the API shows %+v", shown)
	}
	answer, err := s.Explainer.Explain(explain.Request{URL: "http://a.localhost/x"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "explain", strings.Join(answer.Router.Middlewares, " "), "first@docker last@docker add@docker")
}

// files is a Traefik that reads a dynamic file.
func files(t *testing.T, dynamic string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dynamic.yaml")
	write(t, file, dynamic)
	return traefik("--providers.file.filename=/dynamic.yaml") + fmt.Sprintf("    volumes: [%q]\n", file+":/dynamic.yaml:ro")
}

func TestServiceMiddlewaresOfComposed(t *testing.T) {
	t.Parallel()
	left, right := echoing(t, "left", "X-Left", "X-All"), echoing(t, "right", "X-Right", "X-All")
	s := start(t, compose(port)+files(t, fmt.Sprintf(`
http:
  routers:
    w: {rule: "Host(`+"`w.localhost`"+`)", service: w}
    f: {rule: "Host(`+"`f.localhost`"+`)", service: f}
    m: {rule: "Host(`+"`m.localhost`"+`)", service: m}
    h: {rule: "Host(`+"`h.localhost`"+`)", service: h}
  middlewares:
    left: {headers: {customRequestHeaders: {X-Left: "1"}}}
    right: {headers: {customRequestHeaders: {X-Right: "1"}}}
    all: {headers: {customRequestHeaders: {X-All: "1"}}}
    refuse: {ipAllowList: {sourceRange: ["192.0.2.1"], rejectStatusCode: 503}}
  services:
    left: {middlewares: [left], loadBalancer: {servers: [{url: %q}]}}
    right: {middlewares: [right], loadBalancer: {servers: [{url: %q}]}}
    refused: {middlewares: [refuse], loadBalancer: {servers: [{url: %q}]}}
    w: {middlewares: [all], weighted: {services: [{name: left}, {name: right}]}}
    h: {middlewares: [all], highestRandomWeight: {services: [{name: left}]}}
    f: {middlewares: [all], failover: {service: refused, fallback: right, errors: {status: ["503"]}}}
    m: {middlewares: [all], mirroring: {service: right, mirrors: [{name: left, percent: 100}]}}
`, left, right, left)))
	if p := s.Problems(); len(p) > 0 {
		t.Fatalf("problems: %v", p)
	}
	bodies := map[string]bool{}
	for range 2 {
		_, body := get(t, s.client(), "http://w.localhost/")
		bodies[body] = true
	}
	if !bodies["left / X-Left=1 X-All=1"] || !bodies["right / X-Right=1 X-All=1"] {
		t.Errorf("weighted: got %v", bodies)
	}
	for host, text := range map[string]string{"f": "right / X-Right=1 X-All=1", "m": "right / X-Right=1 X-All=1",
		"h": "left / X-Left=1 X-All=1"} {
		_, body := get(t, s.client(), "http://"+host+".localhost/")
		want(t, host, body, text)
	}
}

func TestServiceMiddlewareUnknown(t *testing.T) {
	t.Parallel()
	s := start(t, compose(append(append(route("a", "Host(`a.localhost`)", upstream(t, "a")), route("b", "Host(`b.localhost`)", upstream(t,
		"b"))...),
		"http.services.a.middlewares=ad", "http.middlewares.add.addprefix.prefix=/x")...))
	p := s.Problems()
	if len(p) != 1 || p[0].Label != "traefik.http.services.a.middlewares" || p[0].Line == 0 || !strings.Contains(p[0].Message,
		`middleware "ad@docker" does not exist`) ||
		!strings.Contains(p[0].Fix, "add@docker") {
		t.Errorf("got problems %v", p)
	}
	status, _ := get(t, s.client(), "http://a.localhost/")
	want(t, "the router of the service", status, http.StatusNotFound)
	_, body := get(t, s.client(), "http://b.localhost/")
	want(t, "another one", body, "b")
	for name, labels := range map[string][]string{
		"a plugin": {"http.middlewares.m.plugin.any.key=1"},
		"the service itself": {"http.middlewares.m.errors.status=500", "http.middlewares.m.errors.service=a",
			"http.middlewares.m.errors.query=/"},
		"a chain around in chain": {"http.middlewares.m.chain.middlewares=m"},
	} {
		out, err := check(t, compose(append(route("a", "Host(`a.localhost`)", "http://127.0.0.1:1"), append(labels,
			"http.services.a.middlewares=m")...)...))
		if err == nil || !strings.Contains(out, "error:") {
			t.Errorf("%s: got %v\n%s", name, err, out)
		}
	}
}

// A change of a service's middlewares leaves what is known of its servers.
func TestServiceMiddlewaresReload(t *testing.T) {
	t.Parallel()
	var probes atomic.Int64
	probed := make(chan struct{}, 10)
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			if probes.Add(1) == 1 {
				w.WriteHeader(http.StatusInternalServerError)
			}
			probed <- struct{}{}
			return
		}
	})
	labels := func(version string) string {
		return compose(append(route("a", "Host(`a.localhost`)", up), "http.services.a.loadbalancer.healthcheck.path=/health",
			"http.services.a.loadbalancer.healthcheck.interval=1h", "http.services.a.middlewares=v",
			"http.middlewares.v.addprefix.prefix=/"+version)...)
	}
	s := start(t, labels("1"))
	<-probed
	status := func() string {
		var service struct{ ServerStatus map[string]string }
		apiGet(t, s.Gateway, "/api/http/services/a@docker", &service)
		return service.ServerStatus[up]
	}
	eventually(t, "the server is known to be down", func() bool { return status() == "DOWN" })
	s.save(labels("2"))
	eventually(t, "the change is in force", func() bool {
		var m struct {
			AddPrefix struct{ Prefix string }
		}
		apiGet(t, s.Gateway, "/api/http/middlewares/v@docker", &m)
		return m.AddPrefix.Prefix == "/2"
	})
	want(t, "the server after the change", status(), "DOWN")
	want(t, "probes", probes.Load(), int64(1))
}
