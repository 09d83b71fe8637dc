package traffic

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"axion/web/telemetry"
)

// world is metrics that a test counts by hand.
type world struct {
	t       *testing.T
	metrics telemetry.Metrics
	meters  map[string]metric.Meter
	monitor *Monitor
	topics  map[string]float64 // what the broker reports of topics
}

func newWorld(t *testing.T, opts Options) *world {
	t.Helper()
	w := &world{t: t, meters: map[string]metric.Meter{}, topics: map[string]float64{}}
	for _, name := range []string{"axion", "a-service", "b-service"} {
		instance := name + ":1"
		if name == "axion" {
			instance = ""
		}
		provider, _ := w.metrics.Provider(name, instance)
		w.meters[name] = provider.Meter("test")
	}
	_, err := w.meters["axion"].Int64ObservableCounter("kafka.topic.messages",
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			for name, n := range w.topics {
				o.Observe(int64(n), metric.WithAttributes(attribute.String("messaging.destination.name", name)))
			}
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	opts.Metrics = &w.metrics
	w.monitor = New(opts)
	return w
}

func set(pairs ...string) metric.MeasurementOption {
	var list []attribute.KeyValue
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, attribute.String(pairs[i], pairs[i+1]))
	}
	return metric.WithAttributes(list...)
}

func (w *world) count(of, name string, n int64, pairs ...string) {
	w.t.Helper()
	c, err := w.meters[of].Int64Counter(name)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Add(w.t.Context(), n, set(pairs...))
}

func (w *world) time(of, name string, n int, seconds float64, pairs ...string) {
	w.t.Helper()
	h, err := w.meters[of].Float64Histogram(name, metric.WithUnit("s"))
	if err != nil {
		w.t.Fatal(err)
	}
	for range n {
		h.Record(w.t.Context(), seconds, set(pairs...))
	}
}

// look draws the map ten seconds after the one before.
func (w *world) look() Map { return w.lookAfter(window) }

func (w *world) lookAfter(pause time.Duration) Map {
	w.t.Helper()
	m := w.monitor
	m.mu.Lock()
	for _, s := range m.samples {
		s.at = s.at.Add(-pause)
		for _, t := range s.edges {
			if !t.at.IsZero() {
				t.at = t.at.Add(-pause)
			}
		}
	}
	for _, f := range m.externalProducers {
		for i := range f.produced {
			f.produced[i].at = f.produced[i].at.Add(-pause)
		}
	}
	m.lastAt = time.Time{}
	m.mu.Unlock()
	found := m.Snapshot(w.t.Context())
	if found.Error != "" {
		w.t.Fatal(found.Error)
	}
	return found
}

func near(a, b float64) bool { return math.Abs(a-b) < 0.01*math.Max(1, math.Abs(b)) }

// edge checks the rates of an edge.
func (w *world) edge(m Map, from, to string, hop Hop, rate, errors, p50 float64) {
	w.t.Helper()
	i := slices.IndexFunc(m.Edges, func(e Edge) bool { return e.From == from && e.To == to && e.Hop == hop })
	if i < 0 {
		w.t.Errorf("%s > %s: there is none in %+v", from, to, m.Edges)
		return
	}
	e := m.Edges[i]
	if !near(e.Rate, rate) || !near(e.Errors, errors) || (e.P50 == nil) != (p50 == 0) || e.P50 != nil && !near(*e.P50, p50) {
		w.t.Errorf("%s > %s: got %+v (p50 %v), want %v a second, %v failed, p50 %v", from, to, e, e.P50, rate, errors, p50)
	}
}

// flow counts what one request a second causes in ten.
func (w *world) flow() {
	const topic = "axion.b-service"
	w.time("axion", "http.server.request.duration", 90, 0.0004, "traefik.entrypoint", "websecure", "traefik.router", "a@docker",
		"traefik.service", "a@docker", "network.protocol.name", "http")
	w.time("axion", "http.server.request.duration", 10, 0.0004, "traefik.entrypoint", "websecure", "traefik.router", "a@docker",
		"traefik.service", "a@docker", "network.protocol.name", "http", "error.type", "502")
	w.time("axion", "http.server.request.duration", 10, 0.0004, "traefik.entrypoint", "web", "traefik.router", "", "traefik.service", "",
		"network.protocol.name", "http")
	w.time("a-service", "http.server.request.duration", 90, 0.0004, "http.route", "/api") // the same, reported by the service
	w.count("a-service", "messaging.client.sent.messages", 90, "messaging.destination.name", topic)
	w.topics[topic] += 90
	w.count("b-service", "messaging.client.consumed.messages", 90, "messaging.destination.name", topic)
	w.time("b-service", "messaging.process.duration", 90, 0.008, "messaging.destination.name", topic, "messaging.consumer.group.name",
		"b-service-server")
	w.count("b-service", "axion.websocket.sent.messages", 20, "network.protocol.name", "websocket")
}

func TestMap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{
		Parts: func(context.Context) []Part {
			return []Part{{"gateway", "gateway", "healthy", ""}, {"a-service", "service", "healthy", ""},
				{"c-service", "service", "absent", "yours"}, {"broker", "broker", "healthy", ""}}
		},
		Routes: func() []Route {
			return []Route{{Service: "a@docker", Name: "a-service", Known: true, Up: true}, {Service: "a@docker", Name: "a-service"},
				{Service: "shop@docker", Name: "shop", Known: true},
				{Service: "line@docker", Name: "line"}, {Service: "axion@docker", Name: "dashboard", Known: true, Up: true, HideWhenIdle: true}}
		},
	})
	w.topics["axion.b-service"] = 1000 // of an earlier run
	w.flow()
	w.topics["axion.quiet"] = 0
	if m := w.look(); m.Window != 0 || len(m.Edges) == 0 || m.Edges[0].Rate != 0 {
		t.Errorf("first look: got a window of %v s and %+v, want no rates yet", m.Window, m.Edges)
	}
	w.flow()
	w.topics["axion.b-service"] += 50 // somebody else's
	m := w.look()
	if !near(m.Window, 10) || m.Left != 0 {
		t.Errorf("got a window of %v s, %d left out", m.Window, m.Left)
	}
	w.edge(m, client, gateway, HopHTTP, 11, 2, 0.375)
	w.edge(m, gateway, "service/a-service", HopHTTP, 10, 1, 0.375)
	w.edge(m, gateway, "service/shop", HopHTTP, 0, 0, 0)
	w.edge(m, "service/a-service", "topic/axion.b-service", HopKafka, 9, 0, 0)
	w.edge(m, "topic/axion.b-service", "service/b-service", HopKafka, 9, 0, 7.5)
	w.edge(m, "service/b-service", client, HopWebSocket, 2, 0, 0)
	if len(m.Edges) != 6 {
		t.Errorf("got %d edges: %+v", len(m.Edges), m.Edges)
	}
	for range 3 { // by then none of the 50 can still be one of ours
		m = w.look()
	}
	w.edge(m, otherProducers, "topic/axion.b-service", HopKafka, 5, 0, 0)
	states := map[string]string{}
	for _, n := range m.Nodes {
		states[n.ID] = n.State
	}
	want := map[string]string{client: "", gateway: "healthy", "service/a-service": "healthy", "service/b-service": "unknown",
		"service/c-service": "absent",
		"service/shop":      "unhealthy", otherProducers: "", "topic/axion.b-service": ""}
	for id, state := range want {
		if got, ok := states[id]; !ok || got != state {
			t.Errorf("%s: got %q (there: %v), want %q", id, got, ok, state)
		}
	}
	if len(states) != len(want) {
		t.Errorf("nodes: got %v", states)
	}
}

// TestPeers has groups read that count nothing here: one as NestJS names it after a
// service of the stack, another of a tool.
func TestPeers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Parts: func(context.Context) []Part { return []Part{{"c-service", "service", "healthy", "yours"}} }})
	offset, err := w.meters["axion"].Int64Gauge("kafka.consumer_group.offset_sum")
	if err != nil {
		t.Fatal(err)
	}
	read := func(group string, n int64) {
		offset.Record(t.Context(), n, set("messaging.consumer.group.name", group, "messaging.destination.name", "axion.events"))
	}
	w.topics["axion.events"] = 100
	read("c-service-server", 10)
	read("kcat", 100)
	read("b-service-server", 7) // counts for itself
	w.count("b-service", "messaging.client.consumed.messages", 7, "messaging.destination.name", "axion.events")
	w.look()
	read("c-service-server", 60)
	read("b-service-server", 17)
	w.count("b-service", "messaging.client.consumed.messages", 10, "messaging.destination.name", "axion.events")
	m := w.look()
	w.edge(m, "topic/axion.events", "service/c-service", HopKafka, 5, 0, 0)
	w.edge(m, "topic/axion.events", "peer/kcat", HopKafka, 0, 0, 0)
	w.edge(m, "topic/axion.events", "service/b-service", HopKafka, 1, 0, 0)
}

// TestBounds has more topics than can be looked at: those with the most traffic stay.
func TestBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.look()
	for i := range maxOfKind + 6 {
		name := string(rune('a'+i/10)) + string(rune('0'+i%10))
		w.topics[name] = float64(i + 1)
	}
	for range 3 {
		w.look()
	}
	m := w.look()
	var names []string
	for _, n := range m.Nodes {
		if n.Kind == KindTopic {
			names = append(names, n.Name)
		}
	}
	if m.Left != 6 || len(names) != maxOfKind || names[0] != "a6" || !slices.IsSorted(names) {
		t.Errorf("got %d left out, and %v", m.Left, names)
	}
	for _, e := range m.Edges {
		if !slices.Contains(names, e.To[len("topic/"):]) {
			t.Errorf("edge to %s, which is left out", e.To)
		}
	}
}

// TestIdle has more deployed projects than anybody asks: some are shown, the one that
// was asked among them; and who sends traces, in whose place no project is shown.
func TestIdle(t *testing.T) {
	t.Parallel()
	var routes []Route
	for i := range 10 {
		name := "app-" + string(rune('0'+i))
		routes = append(routes, Route{Service: name + "@docker", Name: name, Known: true, Up: true})
	}
	spans := telemetry.New()
	spans.Add(telemetry.Span{TraceID: "a", SpanID: "b", Name: "work", Service: "orders", Start: time.Now(), End: time.Now()})
	w := newWorld(t, Options{Routes: func() []Route { return routes }, Spans: spans})
	w.time("axion", "http.server.request.duration", 1, 0.0004, "traefik.entrypoint", "web", "traefik.router", "x", "traefik.service",
		"app-9@docker")
	m := w.look()
	var names []string
	for _, n := range m.Nodes {
		if n.Kind == KindService {
			names = append(names, n.Name)
		}
	}
	if want := []string{"app-0", "app-1", "app-2", "app-3", "app-9", "orders"}; !slices.Equal(names, want) || m.Left != 5 {
		t.Errorf("got %v, %d left out; want %v, 5", names, m.Left, want)
	}
}

// TestSkew reads our own counters before or after the broker's: nobody is made up.
func TestSkew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.look()
	for i := range 20 {
		// The broker has up to ten that were not acknowledged yet, or were after it was asked.
		w.topics["axion.events"] = float64(100*i + 10*(i%3-1))
		w.count("a-service", "messaging.client.sent.messages", 100, "messaging.destination.name", "axion.events")
		if m := w.look(); slices.ContainsFunc(m.Nodes, func(n Node) bool { return n.ID == otherProducers }) {
			t.Fatalf("look %d: got other producers", i)
		}
	}
}

// TestUneven looks now often and now seldom at a topic that others write to all the
// time: the rate stays.
func TestUneven(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.look()
	for i := range 20 {
		pause := []time.Duration{time.Second, 3 * time.Second, time.Second, 2 * time.Second, 4 * time.Second}[i%5]
		w.topics["shop.orders"] += 1000 * pause.Seconds()
		m := w.lookAfter(pause)
		if i < 8 {
			continue // the first that are known reach back to nothing
		}
		w.edge(m, otherProducers, "topic/shop.orders", HopKafka, 1000, 0, 0)
	}
}

func TestHops(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	m := New(Options{Metrics: prometheus.NewRegistry(), Spans: store,
		Routes: func() []Route { return []Route{{Service: "axion-a@docker", Name: "a-service"}} }})
	ctx, cancel := context.WithCancel(t.Context())
	batches, ended := make(chan Batch), make(chan error, 1)
	go func() {
		ended <- m.Hops(ctx, nil, func(b any) error {
			select {
			case batches <- b.(Batch):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	began := time.Now()
	span := func(after int, service, kind string, attributes map[string]any) telemetry.Span {
		start := began.Add(time.Duration(after) * time.Millisecond)
		return telemetry.Span{TraceID: "t", SpanID: string(rune('a' + after)), Service: service, Kind: kind, Start: start,
			End: start.Add(time.Millisecond), Attributes: attributes}
	}
	kafka := map[string]any{"messaging.destination.name": "axion.b-service"}
	spans := []telemetry.Span{
		span(3, "b-service", "producer", map[string]any{"network.protocol.name": "websocket"}),
		span(2, "b-service", "consumer", kafka),
		span(1, "a-service", "producer", kafka),
		span(1, "a-service", "internal", nil),
		span(0, "gateway", "server", map[string]any{"traefik.service": "axion-a@docker"}),
	}
	for { // until it follows
		store.Add(spans...)
		select {
		case got := <-batches:
			cancel()
			<-ended
			checkHops(t, got)
			return
		case <-time.After(flushInterval / 10):
		}
	}
}

func checkHops(t *testing.T, got Batch) {
	t.Helper()
	if len(got.Hops) > maxFlush || len(got.Hops) < 5 {
		t.Fatalf("got %d hops", len(got.Hops))
	}
	var ways []string
	for _, h := range got.Hops {
		ways = append(ways, h.From+" > "+h.To+" "+string(h.Hop))
		if h.Took != 1 || h.Trace != "t" || h.Error {
			t.Errorf("got %+v", h)
		}
	}
	want := []string{"client > gateway http", "gateway > service/a-service http", "service/a-service > topic/axion.b-service kafka",
		"topic/axion.b-service > service/b-service kafka", "service/b-service > client websocket"}
	if got := slices.Compact(ways); len(got) < 5 || got[len(got)-1] != want[4] || got[0] != want[0] {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, w := range want {
		if !slices.Contains(ways, w) {
			t.Errorf("there is no %s", w)
		}
	}
}

// TestCancelledLook: what a caller that has gone began is whole for the others.
func TestCancelledLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Parts: func(ctx context.Context) []Part {
		if ctx.Err() != nil {
			return []Part{{Name: "graph-service", Kind: "service", State: "unhealthy", Detail: ctx.Err().Error()}}
		}
		return []Part{{Name: "graph-service", Kind: "service", State: "healthy"}}
	}})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w.monitor.Snapshot(gone)
	for _, n := range w.monitor.Snapshot(t.Context()).Nodes {
		if n.Name == "graph-service" && n.State != "healthy" {
			t.Errorf("got %+v", n)
		}
	}
}
