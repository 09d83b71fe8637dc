package gateway_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// ask is the API's answer.
func (s *stack) ask(path string) string {
	w := httptest.NewRecorder()
	s.API.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1"+path, nil))
	return w.Body.String()
}

// serverUp is the metric's line for a server of the service a.
func serverUp(url, value string) string {
	return `traefik_service_server_up{service="a@docker",url="` + url + `"} ` + value + "\n"
}

// TestLiveMetrics reports servers and connections as they are when asked.
func TestLiveMetrics(t *testing.T) {
	t.Parallel()
	first, second := upstream(t, "1"), upstream(t, "2")
	s := start(t, compose(route("a", "Host(`a.localhost`)", first)...))
	metrics := func() string { return s.ask("/metrics") }
	if got := metrics(); !strings.Contains(got, serverUp(first, "1")) {
		t.Errorf("got %s, which lacks %s", got, serverUp(first, "1"))
	}
	c := s.client()
	get(t, c, "http://a.localhost/") // keeps its connection
	if got := metrics(); !strings.Contains(got, `traefik_open_connections{entrypoint="web",protocol="TCP"} 1`+"\n") {
		t.Errorf("got %s, want one open connection", got)
	}
	s.save(compose(route("a", "Host(`a.localhost`)", second)...))
	eventually(t, "the new server is told, and the old one no more", func() bool {
		got := metrics()
		return strings.Contains(got, serverUp(second, "1")) && !strings.Contains(got, first)
	})
}

// TestServerUp follows the metric through what health checks find.
func TestServerUp(t *testing.T) {
	t.Parallel()
	const balancer = "http.services.a.loadbalancer."
	told := func(t *testing.T, s *stack, url, value string) {
		t.Helper()
		eventually(t, "server up "+value, func() bool { return strings.Contains(s.ask("/metrics"), serverUp(url, value)) })
	}
	t.Run("OKActive", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		h, upstream := health.NewServer(), grpc.NewServer()
		healthpb.RegisterHealthServer(upstream, h)
		done := make(chan struct{})
		go func() { defer close(done); _ = upstream.Serve(l) }()
		t.Cleanup(func() { upstream.Stop(); <-done })
		url := "h2c://" + l.Addr().String()
		s := start(t, compose(append(route("a", "Host(`a.localhost`)", url), balancer+"healthcheck.mode=grpc",
			balancer+"healthcheck.interval=5ms")...))
		told(t, s, url, "1")
		h.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
		told(t, s, url, "0")
		h.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
		told(t, s, url, "1")
	})
	t.Run("OKPassive", func(t *testing.T) {
		t.Parallel()
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		s := start(t, compose(append(route("a", "Host(`a.localhost`)", url), balancer+"passivehealthcheck.failurewindow=1h")...))
		told(t, s, url, "1")
		get(t, s.client(), "http://a.localhost/")
		told(t, s, url, "0")
	})
	t.Run("ErrScheme", func(t *testing.T) {
		t.Parallel()
		url := upstream(t, "1")
		labels := route("a", "Host(`a.localhost`)", url)
		s := start(t, compose(append(labels, balancer+"healthcheck.scheme=tcp")...))
		if got := s.ask("/api/rawdata"); !strings.Contains(got, `healthcheck.scheme \"tcp\" is not http or https`) {
			t.Errorf("got %s, which does not name the scheme", got)
		}
		if got := s.ask("/metrics"); strings.Contains(got, url) || !strings.Contains(got, "traefik_config_reloads_total") {
			t.Errorf("got %s, want metrics without the server", got)
		}
		s.save(compose(labels...))
		told(t, s, url, "1")
	})
}
