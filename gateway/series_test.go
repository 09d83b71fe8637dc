package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"axion/gateway"
)

// scrape reads the metrics as one who keeps them.
func scrape(g *gateway.Gateway) string {
	w := httptest.NewRecorder()
	g.API().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// TestSeriesLeave removes a router while it is asked, and brings it back.
func TestSeriesLeave(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-release
		}
		_, _ = io.WriteString(w, "ok")
	})
	static := traefik("--entrypoints.web.address=:80", "--metrics.prometheus.addrouterslabels=true")
	stays := route("stays", "Host(`stays.localhost`)", url)
	both := compose(append(route("goes", "Host(`goes.localhost`)", url), stays...)...) + static
	s := start(t, both)
	routers := func(n int) func() bool { return func() bool { return len(s.Routes()) == n } }
	c := s.client()
	ask := func(hosts ...string) {
		for _, h := range hosts {
			if status, _ := get(t, c, "http://"+h+".localhost/"); status != 200 {
				t.Fatalf("%s: got %d", h, status)
			}
		}
	}
	ask("goes", "stays")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if res, err := c.Get("http://goes.localhost/slow"); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}()
	await(t, entered, "the slow request")
	s.save(compose(stays...) + static)
	eventually(t, "the router to go", routers(1))
	series := func(text string) (goes, up, stays bool) {
		return strings.Contains(text, `router="goes@docker"`), strings.Contains(text, `traefik_service_server_up{service="goes@docker"`),
			strings.Contains(text, `traefik_router_requests_total{code="200",method="GET",protocol="http",router="stays@docker",service="stays@docker"} 1`)
	}
	var got [][3]bool
	look := func() {
		goes, up, stays := series(scrape(s.Gateway))
		got = append(got, [3]bool{goes, up, stays})
	}
	look() // reported once more
	look() // and gone
	close(release)
	await(t, ended, "the slow answer")
	eventually(t, "the request under way is told", func() bool { goes, _, _ := series(scrape(s.Gateway)); return goes })
	look() // once
	want(t, "removed", slices.Equal(got, [][3]bool{{true, false, true}, {false, false, true}, {false, false, true}}), true)
	if t.Failed() {
		t.Log(got)
	}
	s.save(both)
	eventually(t, "the router to come back", routers(2))
	ask("goes")
	for range 3 {
		if text := scrape(s.Gateway); !strings.Contains(text,
			`traefik_router_requests_total{code="200",method="GET",protocol="http",router="goes@docker",service="goes@docker"} 1`) ||
			!strings.Contains(text, `traefik_entrypoint_requests_total{code="200",entrypoint="web",method="GET",protocol="http"} 4`) {
			t.Fatalf("back: got\n%s", text)
		}
	}
}
