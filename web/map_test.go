package web

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"axion/web/stacktest"
	"axion/web/telemetry"
)

// mapped is a stack with metrics and spans that a test makes by hand.
type mapped struct {
	*stack
	took metric.Float64Histogram // of the gateway
	sent metric.Int64Counter     // of graph-service
}

func newMapped(t *testing.T) *mapped {
	t.Helper()
	m := &mapped{stack: newStack()}
	m.realistic()
	options := m.options(t, "127.0.0.1:0", nil)
	options.Metrics, options.Traces = &telemetry.Metrics{}, telemetry.New()
	options.Register = append(options.Register, noMessages)
	gateway, _ := options.Metrics.Provider("axion", "")
	graph, _ := options.Metrics.Provider("graph-service", "127.0.0.1:3001")
	var err error
	if m.took, err = gateway.Meter("test").Float64Histogram("http.server.request.duration", metric.WithUnit("s")); err != nil {
		t.Fatal(err)
	}
	if m.sent, err = graph.Meter("test").Int64Counter("messaging.client.sent.messages"); err != nil {
		t.Fatal(err)
	}
	m.start(t, options)
	return m
}

// request is one that graph-service answers, or fails to, with what it causes.
func (m *mapped) request(t *testing.T, failed string) {
	t.Helper()
	list := []attribute.KeyValue{attribute.String("traefik.entrypoint", "websecure"), attribute.String("traefik.router", "graph@docker"),
		attribute.String("traefik.service", "graph-service@docker"), attribute.String("network.protocol.name", "http")}
	if failed != "" {
		list = append(list, attribute.String("error.type", failed))
	}
	m.took.Record(t.Context(), 0.0018, metric.WithAttributes(list...))
	m.sent.Add(t.Context(), 1, metric.WithAttributes(attribute.String("messaging.destination.name", "axion.deployment-service")))
	at := time.Now().UTC()
	m.server.opts.Traces.Add(telemetry.Span{TraceID: "7a", SpanID: at.String(), Service: "gateway", Kind: "server",
		Name:  "POST graph.localhost/api/projects",
		Start: at, End: at.Add(2 * time.Millisecond), Attributes: map[string]any{"traefik.service": "graph-service@docker"}, Error: failed})
}

// keep makes requests until the test ends.
func (m *mapped) keep(t *testing.T, failed string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				m.request(t, failed)
			}
		}
	}()
}

func TestMap(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.request(t, "")
	b := stacktest.OpenTab(t)
	b.Open("http://" + m.address + "/")
	b.Await("Map", "Clients", "Gateway", "graph-service", "axion.deployment-service", "ingest-service", "POST graph.localhost/api/projects")
	place := func() string {
		t.Helper()
		at, err := chromedp.Run(b.Context,
			chromedp.Evaluate[string](`[...document.querySelectorAll(".map-node")].map((n) => n.style.left + n.style.top).join()`))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	before := place()
	m.keep(t, "")
	b.AwaitTrue(`(word) => [...document.querySelectorAll(".map-node.is-gateway")].some((n) => n.innerText.includes(word))`, "ms")
	b.AwaitTrue(`(kind) => document.querySelector(".map-dot." + kind) !== null`, "is-http")
	if after := place(); after != before {
		t.Errorf("the nodes moved as rates changed: got %s, then %s", before, after)
	}
	m.keep(t, "502")
	b.AwaitTrue(`(word) => [...document.querySelectorAll(".map-label")].some((l) => l.textContent.includes(word))`, "failed of")
	b.Run(chromedp.Focus(chromedp.CSS(`.map-node[href="/topics/axion.deployment-service"]`)), chromedp.KeyEvent("\r"))
	b.AwaitTrue(`(path) => location.pathname === path`, "/topics/axion.deployment-service")
	b.Await("No messages yet")
	b.AssertNoConsoleErrors()
}

// TestMapNarrow has no room for the map, and shows the same in a table.
func TestMapNarrow(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.request(t, "")
	b := stacktest.OpenTab(t)
	b.Run(chromedp.EmulateViewport(390, 844))
	b.Open("http://" + m.address + "/")
	m.keep(t, "")
	b.AwaitTrue(`(to) => [...document.querySelectorAll(".edges-always tr")].some((row) => row.innerText.includes(to) && /[1-9].*\/s/.test(row.innerText))`, "graph-service")
	b.AwaitTrue(`(node) => !document.querySelector(node)?.checkVisibility()`, ".map-node")
	b.AssertNoOverflow("the map", 390)
	b.Accessible("the map as a table")
	b.AssertNoConsoleErrors()
}

// TestMapStill has nothing travel where the reader wants no motion.
func TestMapStill(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.request(t, "")
	b := stacktest.OpenTab(t)
	b.Show(1440, 900, stacktest.Dark)
	b.Open("http://" + m.address + "/")
	m.keep(t, "")
	b.AwaitTrue(`(edge) => [...document.querySelectorAll(edge)].some((line) => line.getAnimations().length)`, ".map-edge")
	b.AwaitTrue(`(dot) => !document.querySelector(dot)`, ".map-dot")
	b.Accessible("the map")
	b.AssertNoConsoleErrors()
}

// TestMapWithout has no metrics to draw from.
func TestMapWithout(t *testing.T) {
	t.Parallel()
	s := newStack()
	s.start(t, s.options(t, "127.0.0.1:0", nil))
	b := stacktest.OpenTab(t)
	b.Open("http://" + s.address + "/")
	b.Await("The map cannot be shown", "there is no channel map")
}
