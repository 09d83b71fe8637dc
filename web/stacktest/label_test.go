package stacktest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// upstream answers with its own name.
func upstream(t *testing.T, name string) (port string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(name))
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func compose(rule, port string) string {
	return fmt.Sprintf(`services:
  shop:
    image: shop
    labels:
      - traefik.enable=true
      - traefik.http.routers.shop.rule=%s
      - traefik.http.routers.shop.tls=true
      - traefik.http.services.shop.loadbalancer.server.port=%s
`, rule, port)
}

func save(t *testing.T, file, text string) {
	t.Helper()
	// As editors do it: a new file takes the place of the old one.
	if err := os.WriteFile(file+"~", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
}

// TestReload saves a compose file while the stack runs: a good one is live, a bad
// one keeps the old routes and says what is wrong.
func TestReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "compose.yaml")
	one, two := upstream(t, "one"), upstream(t, "two")
	save(t, file, compose("Host(`shop.localhost`)", one))
	s := stacktest.Launch(t, binary, "-f", file)
	answers := func(want string) func() bool {
		return func() bool { return string(s.Get(t, s.URL("shop.localhost", "/")).Body) == want }
	}
	stacktest.Eventually(t, "the first version", answers("one"))
	save(t, file, compose("Host(`shop.localhost`)", two))
	stacktest.Eventually(t, "the second version", answers("two"))

	save(t, file, compose("Host(`shop.localhost`) && Pth(`/`)", one))
	stacktest.Eventually(t, "the complaint", func() bool { return strings.Contains(s.Stderr.String(), "Pth") })
	for _, word := range []string{file, "shop", "traefik.http.routers.shop.rule"} {
		if !strings.Contains(s.Stderr.String(), word) {
			t.Errorf("the complaint does not name %s:\n%s", word, s.Stderr)
		}
	}
	if !answers("two")() {
		t.Error("a bad rule took the old route away")
	}
	save(t, file, compose("Host(`shop.localhost`)", one))
	stacktest.Eventually(t, "the fixed version", answers("one"))
}

// TestOwnService: a compose file's service that has a builtin's name brings the
// labels, and the process behind them too where the builtin does not run.
func TestOwnService(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "compose.yaml")
	save(t, file, strings.ReplaceAll(compose("Host(`mine.localhost`)", upstream(t, "mine")), "shop", contract.Graph))
	s := stacktest.Launch(t, binary, "-f", file)
	if got := s.Get(t, s.URL("mine.localhost", "/health")); !strings.Contains(string(got.Body), contract.Graph) {
		t.Errorf("got %d %s, want the builtin's answer", got.Status, got.Body)
	}
	s = stacktest.Launch(t, binary, "-f", file, "--without", contract.Graph)
	if got := s.Get(t, s.URL("mine.localhost", "/health")); string(got.Body) != "mine" {
		t.Errorf("got %d %s, want the answer of the user's own service", got.Status, got.Body)
	}
}

// TestNoBuiltins: broker, gateway and dashboard only.
func TestNoBuiltins(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary, "--no-builtins")
	if got := s.Get(t, s.URL("axion.localhost", "/health")); got.Status != http.StatusOK {
		t.Errorf("dashboard: got %d %s", got.Status, got.Body)
	}
	if got := s.Get(t, s.URL("graph.localhost", "/health")); got.Status != http.StatusNotFound {
		t.Errorf("graph.localhost: got %d %s, want none of the builtins' routes", got.Status, got.Body)
	}
	if s.Token != "" {
		t.Error("a token without a service that made it")
	}
}
