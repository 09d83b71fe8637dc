package stacktest_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestLocalhost: clients that know no name below localhost reach every builtin by path,
// its WebSocket too; and a file that says host.docker.internal means this machine.
func TestLocalhost(t *testing.T) {
	t.Parallel()
	mine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("mine")) }))
	t.Cleanup(mine.Close)
	_, port, _ := net.SplitHostPort(mine.Listener.Addr().String())
	dir := t.TempDir()
	save(t, dir+"/dynamic.yaml", "http:\n  routers:\n    shop:\n      rule: Host(`shop.localhost`)\n      service: shop\n    taken:\n"+
		"      rule: PathPrefix(`/api/auth`)\n"+
		"      entryPoints: [web]\n      service: shop\n"+
		"  services:\n    shop:\n      loadBalancer:\n        servers:\n          - url: http://host.docker.internal:"+port+"\n")
	s := stacktest.Launch(t, binary, "-f", dir+"/dynamic.yaml")
	for _, base := range []string{s.HTTPS, s.HTTP, strings.Replace(s.HTTPS, "localhost", "127.0.0.1", 1)} {
		for path, want := range map[string]int{"/api/graph/projects": 200, "/api/codegen/templates": 200, "/api/codegen/blueprints": 200,
			"/api/deployment/deployments": 200, "/api/infrastructure/runtimes": 200, "/api/ingest/schemas": 200} {
			if got := s.Do(t, http.MethodGet, base+path, s.Token, nil); got.Status != want {
				t.Errorf("%s%s: got %d %s, want %d", base, path, got.Status, got.Body, want)
			}
		}
	}
	if got := s.Do(t, http.MethodGet, s.HTTPS+"/api/auth/get-session", s.Token, nil); got.Status != 200 ||
		!strings.Contains(string(got.Body), "session") {
		t.Errorf("auth by path: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, http.MethodGet, s.HTTP+"/api/auth/get-session", s.Token, nil); string(got.Body) != "mine" {
		t.Errorf("a path that the user's own router takes: got %d %s", got.Status, got.Body)
	}
	ws := s.WebSocketAt(t, "wss"+strings.TrimPrefix(s.HTTPS, "https")+"/api/graph/ws?token="+s.Token)
	ws.ReadUntil(t, s.Create(t, "", "by path", "").ID, contract.DeploymentSucceeded)
	if got := s.Get(t, s.URL("shop.localhost", "/")); got.Status != 404 && string(got.Body) != "mine" {
		t.Errorf("host.docker.internal: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, http.MethodGet, "http://shop.localhost:"+s.HTTP[strings.LastIndex(s.HTTP, ":")+1:]+"/", "",
		nil); string(got.Body) != "mine" {
		t.Errorf("host.docker.internal: got %d %s", got.Status, got.Body)
	}
}
