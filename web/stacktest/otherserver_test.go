//go:build linux

package stacktest_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axion/gateway/listen/peer/peertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// received accepts connections as a user until the listener is closed, and gives what is
// said first on each, "" for nothing.
func received(t *testing.T, uid int, l net.Listener) <-chan string {
	all := make(chan string, 100)
	go func() {
		defer close(all)
		for {
			c, err := peertest.Accept(uid, l)
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(stacktest.Timeout))
			text := make([]byte, 4<<10)
			n, _ := c.Read(text)
			_ = c.Close()
			all <- string(text[:n])
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return all
}

// TestOtherServer: where another user of this machine has taken the port of what is to be
// in a builtin's place, that user gets no request, and clients are answered so; the stack's
// own user there is answered as soon as it listens. A server of a file of one's own is
// anybody's.
func TestOtherServer(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	taken, theirs := peertest.Listen(t, other, "127.0.0.1:0"), peertest.Listen(t, other, "127.0.0.1:0")
	address := taken.Addr().String()
	said, asked := received(t, other, taken), received(t, other, theirs)
	file := filepath.Join(t.TempDir(), "compose.yaml")
	text := `services:
  shop:
    labels:
      traefik.enable: "true"
      traefik.http.routers.shop.rule: Host(` + "`shop.localhost`" + `)
      traefik.http.routers.shop.tls: "true"
      traefik.http.services.shop.loadbalancer.server.url: http://` + theirs.Addr().String() + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := stacktest.Launch(t, binary, "--without", contract.Codegen+"="+address, "-f", file)
	url := s.URL("codegen.localhost", "/api/blueprints")
	for range 2 {
		got := s.Do(t, http.MethodGet, url, s.Token, nil)
		var problem struct{ Detail string }
		if err := json.Unmarshal(got.Body, &problem); err != nil || got.Status != http.StatusBadGateway &&
			got.Status != http.StatusServiceUnavailable ||
			!strings.Contains(problem.Detail, address+" is served by user "+name) {
			t.Errorf("got %d %s, want it to name %s", got.Status, got.Body, name)
		}
	}
	var system struct {
		Parts []struct{ Name, State, Detail string }
	}
	if err := json.Unmarshal(s.Get(t, s.Dashboard+"/api/system").Body, &system); err != nil {
		t.Fatal(err)
	}
	for _, p := range system.Parts {
		if p.Name == contract.Codegen && (p.State != "unhealthy" || !strings.Contains(p.Detail, "served by user "+name)) {
			t.Errorf("the dashboard shows %+v", p)
		}
	}
	if n := strings.Count(s.Stderr.String(), "nothing is sent to a server of another user"); n != 1 {
		t.Errorf("the log has it %d times", n)
	}
	_ = taken.Close()
	for text := range said {
		if text != "" {
			t.Errorf("%s received %q", name, text)
		}
	}
	own := peertest.Listen(t, os.Getuid(), address)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ours") })}
	go func() { _ = server.Serve(own) }()
	t.Cleanup(func() { _ = server.Close() })
	if got := s.Do(t, http.MethodGet, url, s.Token, nil); got.Status != http.StatusOK || string(got.Body) != "ours" {
		t.Errorf("the own user's server: got %d %s", got.Status, got.Body)
	}
	if got := s.Get(t, s.URL("shop.localhost", "/")); got.Status != http.StatusBadGateway { // it is asked, and says nothing
		t.Fatalf("a server of a file's: got %d %s", got.Status, got.Body)
	}
	if text := <-asked; !strings.Contains(text, "Host: shop.localhost") {
		t.Errorf("a server of a file's: got %q", text)
	}
}

// TestOtherCollector: a collector that another user of this machine serves is sent
// nothing, and the log says why.
func TestOtherCollector(t *testing.T) {
	t.Parallel()
	other, name := peertest.Other(t)
	taken := peertest.Listen(t, other, "127.0.0.1:0")
	said := received(t, other, taken)
	s := stacktest.Launch(t, shellScript(t, "export OTEL_BSP_SCHEDULE_DELAY=500 OTEL_EXPORTER_OTLP_ENDPOINT=http://"+taken.Addr().String()))
	s.Do(t, http.MethodGet, s.URL(contract.GraphHost, "/api/projects"), s.Token, nil)
	stacktest.Eventually(t, "the reason in the log", func() bool {
		return strings.Contains(s.Stderr.String(), "spans not exported") &&
			strings.Contains(s.Stderr.String(), taken.Addr().String()+" is served by user "+name)
	})
	s.Stop(t)
	_ = taken.Close()
	for text := range said {
		if text != "" {
			t.Errorf("%s received %q", name, text)
		}
	}
}
