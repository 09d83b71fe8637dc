package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"axion/web/signals"
	"axion/web/stacktest"
	"axion/web/telemetry"
)

const (
	flowTrace   = "0af7651916cd43dd8448eb211c80319c"
	failedTrace = "1af7651916cd43dd8448eb211c80319c"
)

// fill gives a store a request that crosses HTTP, Kafka and WebSocket, and one
// that failed.
func fill(store *telemetry.Store) {
	start := time.Now().Add(-time.Minute).UTC()
	add := func(trace, id, parent, service, kind, name string, at, took time.Duration, problem string, attributes map[string]any) {
		store.Add(telemetry.Span{
			TraceID: trace, SpanID: id, ParentID: parent, Service: service, Kind: kind, Name: name, Error: problem,
			Start: start.Add(at), End: start.Add(at + took), Attributes: attributes, Events: []telemetry.SpanEvent{}, Links: []telemetry.SpanLink{},
		})
	}
	const ms = time.Millisecond
	add(flowTrace, "1", "", "gateway", "server", "POST graph.localhost/api/projects", 0, 4*ms, "",
		map[string]any{"traefik.router": "axion-graph@docker"})
	add(flowTrace, "2", "1", "graph-service", "server", "POST /api/projects", ms, 2*ms, "", map[string]any{})
	add(flowTrace, "6", "2", "graph-service", "client", "INSERT projects", 2*ms, ms/10, "",
		map[string]any{"db.system.name": "sqlite", "db.query.text": "INSERT INTO projects VALUES (?)"})
	add(flowTrace, "3", "2", "graph-service", "producer", "publish PROJECT_CREATED", 2*ms, ms/10, "", map[string]any{})
	add(flowTrace, "4", "3", "deployment-service", "consumer", "process PROJECT_CREATED", 7*ms, ms, "",
		map[string]any{"messaging.kafka.offset": int64(7)})
	add(flowTrace, "5", "4", "graph-service", "producer", "push DEPLOYMENT_STARTED", 9*ms, ms/10, "",
		map[string]any{"network.protocol.name": "websocket"})
	store.Logs.Add(telemetry.Log{
		Time: start, Level: "info", Service: "deployment-service", Message: "deployment queued", TraceID: flowTrace, SpanID: "4",
		Attributes: map[string]any{"project": "tea"},
	})
	add(failedTrace, "1", "", "gateway", "server", "GET shop.localhost/", 0, 1500*ms, "Bad Gateway",
		map[string]any{"note": `<img src=x onerror="document.title='owned'">`})
}

func TestTraces(t *testing.T) {
	t.Parallel()
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	options.Traces = telemetry.New()
	fill(options.Traces)
	s.start(t, options)
	get := func(path string, status int, to any) {
		t.Helper()
		res, err := http.Get("http://" + s.address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != status {
			t.Fatalf("%s: got %s, want %d", path, res.Status, status)
		}
		if err := json.NewDecoder(res.Body).Decode(to); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"/api/traces": failedTrace + " " + flowTrace, "/api/traces?errors=true": failedTrace, "/api/traces?text=project_created": flowTrace,
		"/api/traces?service=deployment-service": flowTrace, "/api/traces?slower=1000": failedTrace, "/api/traces?limit=1": failedTrace,
		"/api/traces?text=none": "",
	} {
		var list signals.TraceList
		get(path, 200, &list)
		var ids []string
		for _, item := range list.Items {
			ids = append(ids, item.TraceID)
		}
		if got := strings.Join(ids, " "); got != want || list.Stats.Spans != 7 {
			t.Errorf("%s: got %q of %+v, want %q", path, got, list.Stats, want)
		}
	}
	var one signals.Trace
	get("/api/traces/"+flowTrace, 200, &one)
	if len(one.Spans) != 6 || len(one.Logs) != 1 || one.Spans[0].Name != "POST graph.localhost/api/projects" {
		t.Errorf("got %+v", one)
	}
	var problem struct{ Detail string }
	get("/api/traces/none", 404, &problem)
	for _, path := range []string{"/api/traces?limit=501", "/api/traces?limit=x", "/api/traces?slower=-1"} {
		get(path, 422, &problem)
	}
}

func TestPageFlow(t *testing.T) {
	t.Parallel()
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	options.Traces = telemetry.New()
	s.start(t, options)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/flow")
	b.Await("No requests yet")
	fill(options.Traces)
	b.Await("2 traces", "POST graph.localhost/api/projects", "1 error", "deployment · gateway · graph")
	b.Run(chromedp.Click(chromedp.CSS(`a[href="/flow/` + flowTrace + `"]`)))
	b.Await("6 spans in 3 parts", "publish PROJECT_CREATED", "push DEPLOYMENT_STARTED", "10 ms", "deployment queued", "project=tea", "1 log")
	b.AwaitGone("INSERT projects")
	b.Run(chromedp.Click(chromedp.CSS(".legend input")))
	b.Await("INSERT projects")
	b.Run(chromedp.Click(chromedp.CSS("#span-6 button")))
	b.Await("INSERT INTO projects VALUES (?)")
	b.Run(chromedp.Click(chromedp.CSS("#span-4 button")))
	b.Await("Waited in its topic", "4.9 ms", "messaging.kafka.offset")
	b.AwaitTrue(`() => location.pathname === "/flow/`+flowTrace+`/4"`, "the span is in the address")
	b.Run(chromedp.Click(chromedp.CSS(".flow-filters .only input")))
	b.Await("1 trace")
	b.Open("http://" + s.address + "/flow/" + failedTrace + "/1?errors=true")
	b.Await("Bad Gateway", "<img src=x")
	b.Open("http://" + s.address + "/flow/none")
	b.Await("This trace is not here")
	b.Run(chromedp.EmulateViewport(390, 844))
	for _, path := range []string{"/flow", "/flow/" + flowTrace} {
		b.Open("http://" + s.address + path)
		b.Await("POST graph.localhost/api/projects")
		wide, err := chromedp.Run(b.Context,
			chromedp.Evaluate[int64]("Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth)"))
		if err != nil || wide > 390 {
			t.Errorf("%s is %d px wide on a screen of 390 (%v)", path, wide, err)
		}
	}
}

// TestPageFlowLive has traces come while somebody reads: the list stands still under
// the pointer, and two runs are compared.
func TestPageFlowLive(t *testing.T) {
	t.Parallel()
	s := newStack()
	options := s.options(t, "127.0.0.1:0", nil)
	options.Traces = telemetry.New()
	fill(options.Traces)
	s.start(t, options)
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/flow")
	b.Await("2 traces")
	another := func(id string, took time.Duration) {
		now := time.Now().UTC()
		for i, name := range []string{"POST graph.localhost/api/projects", "only here"} {
			options.Traces.Add(telemetry.Span{
				TraceID: id, SpanID: strconv.Itoa(i + 1), ParentID: []string{"", "1"}[i], Name: name, Kind: "server", Service: "gateway",
				Start: now, End: now.Add(took), Attributes: map[string]any{}, Events: []telemetry.SpanEvent{}, Links: []telemetry.SpanLink{},
			})
		}
	}
	move := func(x, y float64) {
		b.Run(chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	}
	at, err := chromedp.Run(b.Context,
		chromedp.Evaluate[[]float64](`(r => [r.x + 20, r.y + 20])(document.querySelector(".traces tbody").getBoundingClientRect())`))
	if err != nil {
		t.Fatal(err)
	}
	move(at[0], at[1])
	another("2af7651916cd43dd8448eb211c80319c", 20*time.Millisecond)
	b.Await("1 new", "2 traces")
	move(1, 1)
	b.Await("3 traces")
	b.AwaitGone("1 new")
	b.Open("http://" + s.address + "/flow/" + flowTrace)
	b.Await("Compare with")
	b.Open("http://" + s.address + "/flow/" + flowTrace + "?with=2af7651916cd43dd8448eb211c80319c")
	b.Await("only here", "only in the other", "only in this run", "−16 ms", "20 ms")
}
