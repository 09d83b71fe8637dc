package stacktest_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// TestReplacementAddress: a replacement on a port of its own is asked there, and nothing
// goes to the service's own port that nobody named.
func TestReplacementAddress(t *testing.T) {
	t.Parallel()
	stranger, err := net.Listen("tcp", "127.0.0.1:3002") // whoever listens there is not asked
	if err == nil {
		t.Cleanup(func() { _ = stranger.Close() })
		go func() {
			for {
				c, err := stranger.Accept()
				if err != nil {
					return
				}
				_ = c.Close()
				t.Error("the service's own port was connected to")
			}
		}()
	}
	mine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("mine " + r.URL.Path)) }))
	t.Cleanup(mine.Close)
	s := stacktest.Launch(t, binary, "--without", contract.Codegen+"="+mine.Listener.Addr().String())
	if got := s.Get(t, s.URL("codegen.localhost", "/x")); got.Status != 200 || string(got.Body) != "mine /x" {
		t.Errorf("got %d %s, want the replacement's answer", got.Status, got.Body)
	}
	if state := stateOf(t, s, contract.Codegen); state != "healthy" {
		t.Errorf("the dashboard: got %s", state)
	}
	six, err := net.Listen("tcp", "[::1]:0") // as Node's localhost is at times
	if err != nil {
		t.Logf("no IPv6 here: %v", err)
	} else {
		theirs := &httptest.Server{Listener: six, Config: &http.Server{Handler: mine.Config.Handler}}
		theirs.Start()
		t.Cleanup(theirs.Close)
		_, port, _ := net.SplitHostPort(six.Addr().String())
		s := stacktest.Launch(t, binary, "--without", contract.Codegen+"=localhost:"+port)
		if got := s.Get(t, s.URL("codegen.localhost", "/x")); got.Status != 200 || string(got.Body) != "mine /x" {
			t.Errorf("localhost is ::1: got %d %s, want the replacement's answer", got.Status, got.Body)
		}
		if state := stateOf(t, s, contract.Codegen); state != "healthy" {
			t.Errorf("localhost is ::1: the dashboard: got %s", state)
		}
	}
	bare := stacktest.Launch(t, binary, "--without", contract.Codegen)
	if got := bare.Get(t, bare.URL("codegen.localhost", "/x")); got.Status != http.StatusServiceUnavailable {
		t.Errorf("nobody is registered: got %d %s, want 503", got.Status, got.Body)
	}
	if state := stateOf(t, bare, contract.Codegen); state != "absent" {
		t.Errorf("the dashboard, nobody registered: got %s", state)
	}
	for _, args := range [][]string{{"--without", contract.Codegen + "=x"}, {"--without", contract.Codegen + "=127.0.0.1:0"}} {
		if _, stderr, code := execute(t, t.TempDir(), append([]string{"--ports", "auto"}, args...)...); code != 1 ||
			!strings.Contains(stderr, "--without") {
			t.Errorf("%v: got %d %s", args, code, stderr)
		}
	}
	free := freePort(t)
	_, stderr, code := execute(t, t.TempDir(), "--ports", "auto", "--dashboard", free, "--without", contract.Codegen+"="+free)
	if code != 1 || !strings.Contains(stderr, "own dashboard") {
		t.Errorf("the stack's own port: got %d %s, want it refused", code, stderr)
	}
}

// stateOf is how the dashboard shows a service.
func stateOf(t *testing.T, s *stacktest.Process, name string) string {
	t.Helper()
	var system struct {
		Parts []struct{ Name, State string }
	}
	s.Get(t, s.Dashboard+"/api/system").Decode(t, 200, &system)
	for _, p := range system.Parts {
		if p.Name == name {
			return p.State
		}
	}
	return ""
}

// freePort is an address that was free.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return l.Addr().String()
}

// TestReplacementRegisters: a service that is served beside the stack is found without a
// flag on whatever port, a second one too; one that was killed is asked no more, and one
// that comes back elsewhere is.
func TestReplacementRegisters(t *testing.T) {
	t.Parallel()
	database := clustertest.NewDatabase(t, clustertest.StartPostgres(t))
	data := t.TempDir()
	s := stacktest.Launch(t, binary, "--data", data, "--database", database, "--without", contract.Codegen)
	status := func() int { return s.Get(t, s.URL("codegen.localhost", "/health")).Status }
	if got := status(); got != http.StatusServiceUnavailable {
		t.Fatalf("before: got %d, want 503", got)
	}
	servers := func() string {
		out, _, _ := execute(t, data, "routes", "--json", "--data", data)
		return out
	}
	for range 2 { // it comes back on another port
		first := stacktest.Serve(t, binary, contract.Codegen, "--data", data)
		stacktest.Eventually(t, "the replacement to be asked", func() bool { return status() == 200 })
		second := stacktest.Serve(t, binary, contract.Codegen, "--data", data)
		stacktest.Eventually(t, "both to be asked", func() bool {
			out := servers()
			return strings.Contains(out, first.URL) && strings.Contains(out, second.URL)
		})
		first.Kill(t)
		stacktest.Eventually(t, "the one that was killed to be forgotten", func() bool { return !strings.Contains(servers(), first.URL) })
		if got := status(); got != 200 {
			t.Errorf("the other one: got %d", got)
		}
		second.Stop(t)
		stacktest.Eventually(t, "nobody to be asked", func() bool { return status() == http.StatusServiceUnavailable })
	}
	left := stacktest.Serve(t, binary, contract.Codegen, "--data", data)
	stacktest.Eventually(t, "the last to be asked", func() bool { return status() == 200 })
	s.Kill(t)
	s = stacktest.Launch(t, binary, "--data", data, "--database", database, "--without", contract.Codegen)
	stacktest.Eventually(t, "it to register with the next stack", func() bool { return status() == 200 })
	if !strings.Contains(servers(), left.URL) || !filepath.IsAbs(s.Data) {
		t.Errorf("after a restart: got %s", servers())
	}
}
