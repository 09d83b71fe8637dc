package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"axion/gateway/config"
)

// freePort is a port that nothing listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l := port0(t)
	_, number, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	return number
}

// at asks an entrypoint for a path.
func (s *stack) at(entrypoint, path string) (int, string) {
	s.t.Helper()
	c, err := net.Dial("tcp", s.entrypoint(entrypoint))
	if err != nil {
		s.t.Fatalf("%s: %v", entrypoint, err)
	}
	defer c.Close()
	_ = c.SetDeadline(deadline())
	_, _ = fmt.Fprintf(c, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path)
	data, _ := io.ReadAll(c)
	head, body, _ := strings.Cut(string(data), "\r\n\r\n")
	var minor, status int
	if _, err := fmt.Sscanf(head, "HTTP/1.%d %d", &minor, &status); err != nil {
		s.t.Fatalf("%s%s: got %q", entrypoint, path, data)
	}
	return status, body
}

// An own router is there where the static configuration says so, and nowhere else.
func TestOwnRouters(t *testing.T) {
	t.Parallel()
	s := start(t, compose(route("all", "PathPrefix(`/`)", upstream(t, "app"), "priority=1000000")...)+traefik("--entrypoints.web.address=:80",
		"--entrypoints.traefik.address=:"+freePort(t), "--entrypoints.metrics.address=:"+freePort(t), "--api.insecure=true",
		"--ping=true", "--metrics.prometheus.entrypoint=metrics"))
	if p := s.Problems(); len(p) > 0 {
		t.Fatalf("problems: %v", p)
	}
	for _, tt := range []struct {
		entrypoint, path string
		status           int
		body             string
	}{
		{"traefik", "/ping", 200, "OK"},
		{"traefik", "/api/version", 200, "axion"},
		{"metrics", "/metrics", 200, "traefik_config_reloads_total"},
		{"metrics", "/ping", 200, "app"},
		{"web", "/ping", 200, "app"},
		{"web", "/api/version", 200, "app"},
	} {
		if status, body := s.at(tt.entrypoint, tt.path); status != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s%s: got %d %q, want %d %q", tt.entrypoint, tt.path, status, body, tt.status, tt.body)
		}
	}
	var router struct{ Rule, Service, Status string }
	apiGet(t, s.Gateway, "/api/http/routers/ping@internal", &router)
	want(t, "the router", router.Rule+" "+router.Service+" "+router.Status, "PathPrefix(`/ping`) ping@internal enabled")
}

func TestOwnRoutersManual(t *testing.T) {
	t.Parallel()
	s := start(t, compose(port, "http.routers.p.rule=Path(`/mine`)",
		"http.routers.p.service=ping@internal")+traefik("--entrypoints.web.address=:80",
		"--entrypoints.ep.address=:"+freePort(t), "--ping.entrypoint=ep", "--ping.manualrouting", "--metrics.prometheus.manualrouting=true",
		"--metrics.prometheus.entrypoint=ep", "--api=true"))
	for path, code := range map[string]int{"/ping": 404, "/metrics": 404, "/api/version": 404, "/mine": 200} {
		if status, _ := s.at("ep", path); status != code {
			t.Errorf("%s: got %d, want %d", path, status, code)
		}
	}
}

func TestOwnRouterUnknownEntryPoint(t *testing.T) {
	t.Parallel()
	out, err := check(t, compose(port)+traefik("--entrypoints.web.address=:80", "--ping.entrypoint=wep"))
	if err == nil || !strings.Contains(out, `/ping is not served: entrypoint "wep" does not exist`) {
		t.Errorf("got %v\n%s", err, out)
	}
}

func TestMetricsProblem(t *testing.T) {
	t.Parallel()
	out, err := check(t, compose(port)+traefik("--entrypoints.web.address=:80", "--metrics.prometheus.buckets=5,1"))
	if err == nil || !strings.Contains(out, "metrics.prometheus.buckets") {
		t.Errorf("got %v\n%s", err, out)
	}
}

func TestAPIBasePath(t *testing.T) {
	t.Parallel()
	s := start(t, compose(port, "http.routers.t.rule=PathPrefix(`/`)", "http.routers.t.service=api@internal",
		"http.routers.d.rule=Host(`d.localhost`)", "http.routers.d.service=dashboard@internal")+
		traefik("--entrypoints.web.address=:80", "--entrypoints.traefik.address=:"+freePort(t), "--api.insecure", "--api.basepath=/t"))
	if p := s.Problems(); len(p) > 0 {
		t.Fatalf("problems: %v", p)
	}
	for _, entrypoint := range []string{"web", "traefik"} {
		for path, code := range map[string]int{"/t/api/version": 200, "/t/api/http/routers/t@docker": 200, "/api/version": 404,
			"/tt/api/version": 404, "/tapi/version": 404} {
			if status, body := s.at(entrypoint, path); status != code {
				t.Errorf("%s%s: got %d %q, want %d", entrypoint, path, status, body, code)
			}
		}
	}
	status, _ := get(t, s.client(), "http://d.localhost/t/api/overview")
	want(t, "the dashboard's own", status, 200)
	s.save(compose(port, "http.routers.t.rule=PathPrefix(`/`)",
		"http.routers.t.service=api@internal") + traefik("--entrypoints.web.address=:80", "--api.basepath=/u"))
	eventually(t, "another base path", func() bool {
		status, _ := s.at("web", "/u/api/version")
		return status == 200
	})
	status, _ = s.at("web", "/t/api/version")
	want(t, "the former one", status, 404)
}

func TestAPIDashboardOff(t *testing.T) {
	t.Parallel()
	labels := []string{port, "http.routers.d.rule=Host(`d.localhost`)", "http.routers.d.service=dashboard@internal",
		"http.routers.a.rule=Host(`a.localhost`)", "http.routers.a.service=api@internal"}
	s := start(t, compose(labels...)+traefik("--entrypoints.web.address=:80", "--entrypoints.traefik.address=:"+freePort(t),
		"--api.insecure=true", "--api.dashboard=false"))
	p := s.Problems()
	if len(p) != 1 || !strings.Contains(p[0].Message, `"dashboard@internal"`) {
		t.Errorf("got problems %v", p)
	}
	status, _ := get(t, s.client(), "http://a.localhost/api/version")
	want(t, "the API", status, 200)
	status, _ = s.at("traefik", "/dashboard/")
	want(t, "the dashboard", status, 404)
}

func TestPingTerminating(t *testing.T) {
	t.Parallel()
	for args, code := range map[string]int{"--ping=true": 503, "--ping.terminatingstatuscode=204": 204,
		"--ping.terminatingstatuscode=99": 503} {
		var s *stack
		t.Run(args, func(t *testing.T) {
			s = start(t, compose(port)+traefik("--entrypoints.web.address=:80", args))
			w := httptest.NewRecorder()
			s.API.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ping", nil))
			want(t, "while it runs", w.Code, 200)
			if err := s.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			w = httptest.NewRecorder()
			s.API.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ping", nil))
			want(t, "once it stops", w.Code, code)
		})
	}
}

// Traefik's own entrypoint is opened where its port is published.
func TestOwnEntryPoint(t *testing.T) {
	t.Parallel()
	number := freePort(t)
	document := func(ports string) string {
		return compose(port) + traefik("--entrypoints.web.address=:80", "--api.insecure=true") + "    ports: [" + ports + "]\n"
	}
	s := start(t, document(fmt.Sprintf("%q", number+":8080")))
	if p := s.Problems(); len(p) > 0 {
		t.Fatalf("problems: %v", p)
	}
	status, _ := s.at("traefik", "/api/version")
	want(t, "the API", status, 200)
	s.save(document(`"80:80"`))
	eventually(t, "the entrypoint is gone", func() bool { return s.entrypoint("traefik") == "" })

	taken := port0(t)
	t.Cleanup(func() { _ = taken.Close() })
	_, number, _ = net.SplitHostPort(taken.Addr().String())
	other := start(t, document(fmt.Sprintf("%q", number+":8080")))
	p := other.Problems()
	if len(p) != 1 || p[0].Severity != config.Notice || !strings.Contains(p[0].Message, `entrypoint "traefik" cannot be opened`) {
		t.Errorf("its port is taken: got problems %v, want a notice", p)
	}
}

// An entrypoint whose middlewares cannot be built lets nothing through.
func TestEntryPointMiddlewareUnknown(t *testing.T) {
	t.Parallel()
	s := start(t, compose(append(route("a", "PathPrefix(`/`)", upstream(t, "secret"), "entrypoints=web,ep"),
		route("b", "Host(`b.localhost`)", upstream(t, "b"), "entrypoints=web")...)...)+
		traefik("--entrypoints.web.address=:80", "--entrypoints.web.http.middlewares=guard@docker", "--entrypoints.ep.address=:"+freePort(t)))
	status, body := s.at("web", "/")
	if status != http.StatusNotFound || strings.Contains(body, "secret") {
		t.Errorf("got %d %q", status, body)
	}
	status, body = s.at("ep", "/")
	want(t, "another entrypoint", fmt.Sprint(status, " ", body), "200 secret")
	var a, b struct{ Status string }
	apiGet(t, s.Gateway, "/api/http/routers/a@docker", &a)
	apiGet(t, s.Gateway, "/api/http/routers/b@docker", &b)
	want(t, "the routers", a.Status+" "+b.Status, "warning disabled")
}
