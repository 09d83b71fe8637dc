package gateway_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"axion/gateway"
)

// TestPages opens Traefik's dashboard by the routes that people have for it.
func TestPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	labels := []string{
		"http.routers.t.rule=Host(`t.localhost`)", "http.routers.t.service=api@internal",
		"http.routers.d.rule=Host(`d.localhost`)", "http.routers.d.service=dashboard@internal",
		"http.routers.p.rule=Host(`p.localhost`) && PathPrefix(`/proxy`)", "http.routers.p.service=api@internal",
		"http.routers.p.middlewares=strip",
		"http.middlewares.strip.stripprefix.prefixes=/proxy",
	}
	open := func(args ...string) (*gateway.Gateway, *http.Client) {
		write(t, file, compose(labels...)+traefik(append(args, "--entrypoints.web.address=:80")...))
		plain := port0(t)
		g, err := gateway.New(gateway.Options{Web: plain, Files: []string{file}, CADir: filepath.Join(dir, "ca"),
			Dashboard: "http://127.0.0.1:8900"})
		if err != nil {
			t.Fatal(err)
		}
		g.Start()
		t.Cleanup(func() { _ = g.Close(context.Background()) })
		s := &stack{Gateway: g, API: g.API(), t: t, http: plain.Addr().String()}
		return g, s.client()
	}
	ask := func(c *http.Client, method, url string, header http.Header) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode, res.Header.Get("Location")
	}
	const routes = "http://127.0.0.1:8900/routes"
	for _, tt := range []struct {
		args, method, url string
		status            int
		location          string
	}{
		{"", "GET", "http://t.localhost/", 302, "/dashboard/"},
		{"", "HEAD", "http://t.localhost/", 302, "/dashboard/"},
		{"", "GET", "http://t.localhost/dashboard/", 302, routes},
		{"", "GET", "http://t.localhost/dashboard", 302, routes},
		{"", "GET", "http://t.localhost/dashboard/a/b", 302, routes},
		{"", "POST", "http://t.localhost/dashboard/", 404, ""},
		{"", "GET", "http://t.localhost/dashboards", 404, ""},
		{"", "GET", "http://t.localhost/api", 404, ""},
		{"", "GET", "http://t.localhost/api/version", 200, ""},
		{"", "GET", "http://d.localhost/", 302, routes},
		{"", "GET", "http://d.localhost/x", 302, routes},
		{"", "GET", "http://p.localhost/proxy/", 302, "/proxy/dashboard/"},
		{"", "GET", "http://p.localhost/proxy/dashboard/", 302, routes},
		{"--api.basepath=/t", "GET", "http://t.localhost/t/", 302, "/t/dashboard/"},
		{"--api.basepath=/t", "GET", "http://t.localhost/t", 302, "/t/dashboard/"},
		{"--api.basepath=/t", "GET", "http://t.localhost/t/dashboard/", 302, routes},
		{"--api.basepath=/t", "GET", "http://t.localhost/dashboard/", 404, ""},
		{"--api.basepath=/t", "GET", "http://p.localhost/proxy/t/", 302, "/proxy/t/dashboard/"},
		{"--api.dashboard=false", "GET", "http://t.localhost/", 404, ""},
		{"--api.dashboard=false", "GET", "http://t.localhost/dashboard/", 404, ""},
	} {
		args := []string{"--api=true"}
		if tt.args != "" {
			args = append(args, tt.args)
		}
		g, c := open(args...)
		// A client's own word on the prefix counts for nothing.
		status, location := ask(c, tt.method, tt.url, http.Header{"X-Forwarded-Prefix": {"//evil.example"}})
		if status != tt.status || location != tt.location {
			t.Errorf("%s %s %s: got %d %q, want %d %q", tt.args, tt.method, tt.url, status, location, tt.status, tt.location)
		}
		if err := g.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
