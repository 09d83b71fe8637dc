package gateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLiveMetrics tells of servers and connections as they are when asked.
func TestLiveMetrics(t *testing.T) {
	t.Parallel()
	first, second := upstream(t, "1"), upstream(t, "2")
	s := start(t, compose(route("a", "Host(`a.localhost`)", first)...))
	metrics := func() string {
		w := httptest.NewRecorder()
		s.API().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil))
		return w.Body.String()
	}
	line := func(url, value string) string {
		return `traefik_service_server_up{service="a@docker",url="` + url + `"} ` + value + "\n"
	}
	if got := metrics(); !strings.Contains(got, line(first, "1")) {
		t.Errorf("got %s, which lacks %s", got, line(first, "1"))
	}
	c := s.client()
	get(t, c, "http://a.localhost/") // keeps its connection
	if got := metrics(); !strings.Contains(got, `traefik_open_connections{entrypoint="web",protocol="TCP"} 1`+"\n") {
		t.Errorf("got %s, want one open connection", got)
	}
	s.save(compose(route("a", "Host(`a.localhost`)", second)...))
	eventually(t, "the new server is told, and the old one no more", func() bool {
		got := metrics()
		return strings.Contains(got, line(second, "1")) && !strings.Contains(got, first)
	})
}
