package stacktest_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestMap creates a project and finds each hop of it, as it happens and in the map,
// and what was counted of it in the metrics.
func TestMap(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary)
	hops := watchHops(t, s.Stack)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "mapped", "")
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)

	topic := func(service string) string { return "topic/" + contract.Topic(service) }
	service := func(name string) string { return "service/" + name }
	want := []string{
		"client > gateway http", "gateway > " + service(contract.Graph) + " http",
		service(contract.Graph) + " > " + topic(contract.Deployment) + " kafka",
		topic(contract.Deployment) + " > " + service(contract.Deployment) + " kafka",
		service(contract.Deployment) + " > " + topic(contract.Codegen) + " kafka",
		topic(contract.Codegen) + " > " + service(contract.Codegen) + " kafka",
		service(contract.Deployment) + " > " + topic(contract.Graph) + " kafka",
		topic(contract.Graph) + " > " + service(contract.Graph) + " kafka",
		service(contract.Graph) + " > client websocket",
	}
	hops.await(t, want)

	var drawn struct {
		Nodes []struct{ ID, State string }
		Edges []edge
	}
	stacktest.Eventually(t, "a healthy map", func() bool {
		drawn.Nodes, drawn.Edges = nil, nil
		s.Get(t, s.Dashboard+"/api/map").Decode(t, http.StatusOK, &drawn)
		for _, n := range drawn.Nodes {
			watched := strings.HasPrefix(n.ID, "service/") && n.ID != service("app-"+p.Slug) // the site has no health check
			if watched && n.State != "healthy" {
				return false
			}
		}
		return true
	})
	for _, way := range want {
		if !slices.ContainsFunc(drawn.Edges, func(e edge) bool { return e.way() == way && e.Total > 0 }) {
			t.Errorf("the map has no %s: %+v", way, drawn.Edges)
		}
	}
	for _, n := range drawn.Nodes {
		if strings.HasPrefix(n.ID, "peer/") {
			t.Errorf("got %s, of which there is none", n.ID)
		}
	}
	checkMetrics(t, s.Stack)
}

// checkMetrics reads what Traefik's users know and what OpenTelemetry's do in one
// answer, and a service's own.
func checkMetrics(t *testing.T, s *stacktest.Stack) {
	t.Helper()
	var all []byte
	for _, want := range []string{
		`traefik_entrypoint_requests_total\{code="201",entrypoint="websecure",method="POST",protocol="http"\} 1`,
		`http_server_request_duration_seconds_count\{[^}]*traefik_service="axion-graph@docker"[^}]*\} 1`,
		`http_server_request_duration_seconds_count\{[^}]*http_route="/api/projects"[^}]*service_name="graph-service"\} 1`,
		`messaging_process_duration_seconds_count\{[^}]*messaging_destination_name="axion.codegen-service"[^}]*service_name="codegen-service"\} 1`,
		`messaging_client_operation_duration_seconds_count\{messaging_destination_name="axion.infrastructure-service",messaging_operation_name="request"[^}]*\} 1`,
		`axion_outbox_pending\{[^}]*service_name="graph-service"\} 0`, `db_client_connection_count\{[^}]*`,
		`axion_websocket_connections\{[^}]*\} \d`,
		`kafka_topic_size_bytes\{messaging_destination_name="axion.deployment-service"[^}]*\} [1-9]`, `kafka_consumer_group_lag_sum\{[^}]*\} 0`,
		`axion_dashboard_pages\{[^}]*\} 1`, `go_goroutines \d`, `process_resident_memory_bytes \d`,
	} {
		stacktest.Eventually(t, want+" in /metrics", func() bool { // a busy machine keeps the broker waiting
			all = s.Get(t, s.Dashboard+"/metrics").Body
			return regexp.MustCompile("(?m)^" + want).Match(all)
		})
	}
	if len(all) > 1<<20 {
		t.Errorf("/metrics has %d bytes after one request", len(all))
	}
}

// hop is what the channel "hops" sends of one.
type hop struct{ From, To, Hop string }

func (h hop) way() string { return h.From + " > " + h.To + " " + h.Hop }

// edge is what the map says of one.
type edge struct {
	hop
	Total float64
}

// hops is a page that watches them.
type hops struct{ conn *websocket.Conn }

func watchHops(t *testing.T, s *stacktest.Stack) hops {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(s.Dashboard, "http:", "ws:", 1)+"/ws",
		http.Header{"Origin": {s.Dashboard}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	// The second is sent at once, and so that the first is watched.
	for id, channel := range []string{"hops", "map"} {
		if err := conn.WriteJSON(map[string]any{"watch": id + 1, "channel": channel}); err != nil {
			t.Fatal(err)
		}
	}
	w := hops{conn}
	for w.read(t, &struct{}{}) != 2 {
	}
	return w
}

// read reads the next message of a channel, and returns which.
func (w hops) read(t *testing.T, data any) int {
	t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(stacktest.Timeout))
	m := struct {
		ID   int
		Data any
	}{Data: data}
	if err := w.conn.ReadJSON(&m); err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// await reads until each of the ways was taken.
func (w hops) await(t *testing.T, ways []string) {
	t.Helper()
	ways = slices.Clone(ways)
	for len(ways) > 0 {
		var batch struct{ Hops []hop }
		if w.read(t, &batch) != 1 {
			continue
		}
		for _, h := range batch.Hops {
			ways = slices.DeleteFunc(ways, func(way string) bool { return way == h.way() })
		}
	}
}
