package stacktest_test

import (
	"net/http"
	"strings"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// part is one of the stack's, as the dashboard's API shows it.
type part struct {
	Name, Kind, State, Address string
	Instances                  []struct {
		Depends []struct{ Name, State string }
	}
}

func partsOf(t *testing.T, s *stacktest.Process) map[string]part {
	t.Helper()
	var system struct{ Parts []part }
	s.Get(t, s.Dashboard+"/api/system").Decode(t, http.StatusOK, &system)
	all := map[string]part{}
	for _, p := range system.Parts {
		all[p.Name] = p
	}
	return all
}

// TestGoingAway: at a stop, clients of the services' WebSockets and of the dashboard's
// are answered so, directly and through the gateway.
func TestGoingAway(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary)
	graph := partsOf(t, s)[contract.Graph].Address
	dashboard := "ws" + strings.TrimPrefix(s.Dashboard, "http") + "/ws"
	sockets := map[string]*stacktest.Socket{
		"gateway": s.WebSocket(t, "/ws?token="+s.Token), "root": s.WebSocket(t, "/?token="+s.Token),
		"directly": s.WebSocketAt(t, "ws://"+graph+"/ws?token="+s.Token), "dashboard": s.WebSocketAt(t, dashboard),
	}
	type end struct {
		name string
		code int
	}
	ends := make(chan end)
	for name, socket := range sockets {
		go func() { ends <- end{name, socket.Ended()} }()
	}
	stopped := make(chan struct{})
	go func() { s.Stop(t); close(stopped) }()
	for range sockets {
		if e := <-ends; e.code != 1001 {
			t.Errorf("%s: closed with %d, want 1001", e.name, e.code)
		}
	}
	<-stopped
}

// TestStateNow takes the broker away, twice: what /ready and the page say is so, and is
// so again when it is back.
func TestStateNow(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary)
	builtins := []string{contract.Auth, contract.Codegen, contract.Deployment, contract.Graph, contract.Infrastructure, contract.Ingest}
	state := func(ready int, healthy string) (is bool) {
		parts := partsOf(t, s)
		is = parts["broker"].State == healthy
		for _, name := range builtins {
			p := parts[name]
			is = is && p.State == healthy && s.Get(t, "http://"+p.Address+"/ready").Status == ready
			for _, i := range p.Instances {
				for _, d := range i.Depends {
					is = is && (d.State == healthy || d.Name == "SQLite" && d.State == "healthy" || d.Name == "storage" && d.State == "healthy")
				}
			}
		}
		return is
	}
	stacktest.Eventually(t, "the stack to be well", func() bool { return state(http.StatusOK, "healthy") })
	for range 2 {
		script := newScript(t, s.Stack)
		id := script.breaks(t, map[string]any{"kind": "broker-restart", "seconds": 60})
		stacktest.Eventually(t, "everybody to say that the broker is away",
			func() bool { return state(http.StatusServiceUnavailable, "unhealthy") })
		if status, body := script.send(t, http.MethodDelete, "/api/faults/"+id, nil); status != http.StatusNoContent {
			t.Fatalf("end the fault: got %d %s", status, body)
		}
		stacktest.Eventually(t, "the stack to be well again", func() bool { return state(http.StatusOK, "healthy") })
	}
}
