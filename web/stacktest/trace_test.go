package stacktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"axion/services/bus/nesttest"
	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
)

// span is one of a trace's, as the dashboard's API shows it.
type span struct {
	SpanID     string         `json:"spanId"`
	ParentID   string         `json:"parentId"`
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`
	Service    string         `json:"service"`
	Instance   string         `json:"instance"`
	Attributes map[string]any `json:"attributes"`
}

// getJSON reads an answer of the dashboard's.
func getJSON(t *testing.T, url string, to any) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", url, err, text)
	}
}

// traceOf waits until the trace of a project's creation has what is wanted, and
// gives its spans.
func traceOf(t *testing.T, s *stacktest.Process, project, root string, complete func([]span) bool) (id string, spans []span) {
	t.Helper()
	stacktest.Eventually(t, "a whole trace of project "+project, func() bool {
		var list struct {
			Items []struct{ TraceID, Root string }
		}
		getJSON(t, s.Dashboard+"/api/traces?text="+project, &list)
		for _, item := range list.Items {
			if !strings.HasPrefix(item.Root, root) {
				continue
			}
			var one struct{ Spans []span }
			getJSON(t, s.Dashboard+"/api/traces/"+item.TraceID, &one)
			if id, spans = item.TraceID, one.Spans; complete(spans) {
				return true
			}
		}
		return false
	})
	return id, spans
}

func names(spans []span) (all []string) {
	for _, s := range spans {
		all = append(all, s.Service+": "+s.Name)
	}
	return all
}

func has(spans []span, service, name string) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.Service == service && s.Name == name })
}

// path is the way from a span up to the trace's root.
func path(spans []span, service, name string) (up []string) {
	byID := map[string]span{}
	for _, s := range spans {
		byID[s.SpanID] = s
	}
	for _, s := range spans {
		if s.Service == service && s.Name == name {
			for ok := true; ok; s, ok = byID[s.ParentID] {
				up = append(up, s.Service+": "+s.Name)
			}
			return up
		}
	}
	return nil
}

// TestOneTrace creates a project: all that it causes, from the gateway to the push
// to the client's WebSocket, is one trace, and each part's spans are there.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	s := stacktest.Launch(t, binary, clustertest.Flags(t)...)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "traced", "")
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	push := "push " + contract.DeploymentSucceeded
	_, spans := traceOf(t, s, p.ID, "POST graph.localhost", func(spans []span) bool { return has(spans, contract.Graph, push) })
	want := []string{
		"graph-service: " + push, "graph-service: process DEPLOYMENT_SUCCEEDED", "deployment-service: publish DEPLOYMENT_SUCCEEDED",
		"deployment-service: enqueue DEPLOYMENT_SUCCEEDED", "deployment-service: deploy", "deployment-service: process PROJECT_CREATED",
		"graph-service: publish PROJECT_CREATED", "graph-service: enqueue PROJECT_CREATED", "graph-service: POST /api/projects",
		"gateway: POST graph.localhost/api/projects",
	}
	if got := path(spans, contract.Graph, push); !slices.Equal(got, want) {
		t.Errorf("from the push up: got %v, want %v", got, want)
	}
	for _, s := range spans {
		for name, attributes := range map[string][]string{
			"POST /api/projects": {"http.route", "http.response.status_code"}, "INSERT projects": {"db.system.name", "db.query.text"},
			"process PROJECT_CREATED": {"messaging.destination.partition.id", "messaging.kafka.offset", "messaging.consumer.group.name"},
			"reply GENERATE_CODE":     {"messaging.destination.partition.id", "messaging.kafka.offset"},
		} {
			for _, attribute := range attributes {
				if s.Name == name && s.Attributes[attribute] == nil {
					t.Errorf("%s has no %s: %v", name, attribute, s.Attributes)
				}
			}
		}
	}
	for _, want := range []string{"request GENERATE_CODE", "INSERT projects", "reply PROVISION", "COMMIT"} {
		if !slices.ContainsFunc(spans, func(s span) bool { return s.Name == want }) {
			t.Errorf("no span %q among %v", want, names(spans))
		}
	}
}

// TestNestJoins has a NestJS service with OpenTelemetry's SDK take codegen's place:
// its spans are in the trace of the project that it made.
func TestNestJoins(t *testing.T) {
	t.Parallel()
	app := nesttest.Open(t)
	s := stacktest.Launch(t, binary, append(clustertest.Flags(t), "--without", contract.Codegen)...)
	app.Serve(t, nesttest.ServerOptions{
		Brokers: []string{s.Summary.Kafka}, Group: contract.Codegen, Role: nesttest.Codegen,
		Env: []string{
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.OTLPHTTP, "OTEL_SERVICE_NAME=" + contract.Codegen, "OTEL_METRICS_EXPORTER=none",
			"OTEL_BSP_SCHEDULE_DELAY=100",
		},
	})
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "joined", "any-template")
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	var consumed span
	_, spans := traceOf(t, s, p.ID, "POST graph.localhost", func(spans []span) bool {
		i := slices.IndexFunc(spans, func(s span) bool { return s.Service == contract.Codegen && s.Kind == "consumer" })
		if i >= 0 {
			consumed = spans[i]
		}
		return i >= 0
	})
	if up := path(spans, contract.Codegen, consumed.Name); len(up) < 2 || up[1] != "deployment-service: request GENERATE_CODE" {
		t.Errorf("codegen's span is caused by %v", up)
	}
}

// TestServeJoins runs graph alone, sending its spans and logs to a stack that runs
// without it: the project's trace is whole, and says which process it was.
func TestServeJoins(t *testing.T) {
	t.Parallel()
	args := clustertest.Flags(t)
	if args == nil {
		args = []string{"--database", clustertest.NewDatabase(t, clustertest.StartPostgres(t))}
	}
	s := stacktest.Launch(t, binary, append(args, "--without", contract.Graph)...)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.HTTPS, "https://"), ":")
	for protocol, endpoint := range map[string]string{"http/protobuf": s.OTLPHTTP, "grpc": s.OTLPGRPC} {
		graph := stacktest.ServeAll(t, []string{
			"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol, "OTEL_BSP_SCHEDULE_DELAY=100",
		}, binary, []string{contract.Graph}, "--brokers", s.Summary.Kafka, "--database", args[len(args)-1], "--https-port", port, "--data",
			t.TempDir())[0]
		var p stacktest.Project
		s.Do(t, http.MethodPost, graph.URL+"/api/projects", s.Token, map[string]string{"name": "joined by " + protocol[:4]}).Decode(t,
			http.StatusCreated, &p)
		push := "push " + contract.DeploymentSucceeded
		_, spans := traceOf(t, s, p.ID, "POST /api/projects", func(spans []span) bool { return has(spans, contract.Graph, push) })
		up := path(spans, contract.Graph, push)
		if len(up) < 9 || up[len(up)-1] != "graph-service: POST /api/projects" {
			t.Errorf("%s: from the push up: got %v", protocol, up)
		}
		for _, one := range spans {
			if want := strings.TrimPrefix(graph.URL, "http://"); one.Service == contract.Graph && one.Instance != want {
				t.Errorf("%s: %s is of instance %q, want %q", protocol, one.Name, one.Instance, want)
			}
		}
		graph.Stop(t)
	}
}
