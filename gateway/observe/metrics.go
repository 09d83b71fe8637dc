package observe

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"axion/gateway/config"
)

// defaultBuckets are Traefik's, in seconds.
var defaultBuckets = []float64{0.1, 0.3, 1.2, 5}

// metrics counts under one set of settings, and starts anew when they change.
type metrics struct {
	live    live
	current atomic.Pointer[counters]
	took    metric.Float64Histogram // nil without a meter
}

// counters are the metrics of one set of settings.
type counters struct {
	settings config.Prometheus
	registry *prometheus.Registry
	scopes   [3]*scope // entrypoint, router, service; nil where not wanted
	retries  *prometheus.CounterVec
	faults   *prometheus.CounterVec
	reloads  prometheus.Counter
	success  prometheus.Gauge
	// cells are the counters of what is alike, found without hashing labels.
	cells sync.Map // of cell to *meters
}

// scope is the same metrics for one kind of thing.
type scope struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	sent     *prometheus.CounterVec
}

// cell is what makes requests alike.
type cell struct {
	entrypoint, router, service, method, protocol string
	status                                        int
}

// meters are the counters of one cell.
type meters struct {
	requests, sent []prometheus.Counter
	duration       []prometheus.Observer
	attributes     []metric.RecordOption
}

func newMetrics(l live, took metric.Float64Histogram) *metrics {
	m := &metrics{live: l, took: took}
	m.current.Store(newCounters(config.Prometheus{}, l))
	return m
}

func newCounters(c config.Prometheus, l live) *counters {
	buckets := c.Buckets
	if len(buckets) == 0 {
		buckets = defaultBuckets
	}
	n := &counters{settings: c, registry: prometheus.NewRegistry()}
	kinds := []struct {
		name   string
		labels []string
		wanted bool
	}{
		{"entrypoint", []string{"entrypoint"}, c.AddEntryPointsLabels == nil || *c.AddEntryPointsLabels},
		{"router", []string{"router", "service"}, c.AddRoutersLabels},
		{"service", []string{"service"}, c.AddServicesLabels == nil || *c.AddServicesLabels},
	}
	for i, k := range kinds {
		if k.wanted {
			n.scopes[i] = newScope(n.registry, k.name, append([]string{"code", "method", "protocol"}, k.labels...), buckets)
		}
	}
	n.retries = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "traefik_service_retries_total", Help: "Further attempts, by service."}, []string{"service"})
	n.faults = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "axion_gateway_faults_total", Help: "Requests that were broken on purpose, by router."}, []string{"router"})
	n.reloads = prometheus.NewCounter(prometheus.CounterOpts{Name: "traefik_config_reloads_total", Help: "Configurations that came into force."})
	n.success = prometheus.NewGauge(prometheus.GaugeOpts{Name: "traefik_config_last_reload_success", Help: "When a configuration last came into force, in Unix seconds."})
	n.registry.MustRegister(n.retries, n.faults, n.reloads, n.success, l, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return n
}

func newScope(registry *prometheus.Registry, name string, labels []string, buckets []float64) *scope {
	s := &scope{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "traefik_" + name + "_requests_total", Help: "Requests, by " + name + "."}, labels),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "traefik_" + name + "_request_duration_seconds", Help: "How long requests took, by " + name + ".", Buckets: buckets}, labels),
		sent:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "traefik_" + name + "_responses_bytes_total", Help: "Bytes of answers, by " + name + "."}, labels),
	}
	registry.MustRegister(s.requests, s.duration, s.sent)
	return s
}

// configure starts counting anew where the settings are others.
func (m *metrics) configure(c *config.Metrics) {
	var want config.Prometheus
	if c != nil && c.Prometheus != nil {
		want = *c.Prometheus
	}
	have := m.current.Load().settings
	same := slices.Equal(have.Buckets, want.Buckets) && have.AddRoutersLabels == want.AddRoutersLabels &&
		on(have.AddEntryPointsLabels) == on(want.AddEntryPointsLabels) && on(have.AddServicesLabels) == on(want.AddServicesLabels)
	if !same {
		m.current.Store(newCounters(want, m.live))
	}
}

func (m *metrics) handler() http.Handler { return promhttp.HandlerFor(m, promhttp.HandlerOpts{}) }

// Gather reads the metrics under the present settings.
func (m *metrics) Gather() ([]*dto.MetricFamily, error) { return m.current.Load().registry.Gather() }

func (m *metrics) count(e *Exchange, took time.Duration) {
	n := m.current.Load()
	if e.retries > 0 {
		n.retries.WithLabelValues(e.service).Add(float64(e.retries))
	}
	if e.fault != "" {
		n.faults.WithLabelValues(e.router).Inc()
	}
	seconds, size := took.Seconds(), float64(e.size)
	at := n.meters(cell{e.entrypoint, e.router, e.service, known(e.method), protocol(e), e.status})
	for i := range at.requests {
		at.requests[i].Inc()
		at.sent[i].Add(size)
		at.duration[i].Observe(seconds)
	}
	if m.took != nil {
		m.took.Record(context.Background(), seconds, at.attributes...)
	}
}

// attributes are those of OpenTelemetry's conventions for HTTP, and Traefik's names
// for what took the request.
func (c cell) attributes() []metric.RecordOption {
	list := []attribute.KeyValue{
		attribute.String("http.request.method", c.method), attribute.Int("http.response.status_code", c.status),
		attribute.String("network.protocol.name", c.protocol), attribute.String("traefik.entrypoint", c.entrypoint),
		attribute.String("traefik.router", c.router), attribute.String("traefik.service", c.service),
	}
	if c.status >= http.StatusInternalServerError {
		list = append(list, attribute.String("error.type", strconv.Itoa(c.status)))
	}
	return []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(list...))}
}

func (n *counters) meters(c cell) *meters {
	if m, ok := n.cells.Load(c); ok {
		return m.(*meters)
	}
	base := []string{strconv.Itoa(c.status), c.method, c.protocol}
	labels := [3][]string{append(slices.Clone(base), c.entrypoint)}
	if c.router != "" {
		labels[1] = append(slices.Clone(base), c.router, c.service)
		labels[2] = append(slices.Clone(base), c.service)
	}
	m := &meters{attributes: c.attributes()}
	for i, s := range n.scopes {
		if s == nil || labels[i] == nil {
			continue
		}
		m.requests = append(m.requests, s.requests.WithLabelValues(labels[i]...))
		m.sent = append(m.sent, s.sent.WithLabelValues(labels[i]...))
		m.duration = append(m.duration, s.duration.WithLabelValues(labels[i]...))
	}
	n.cells.Store(c, m)
	return m
}

// known bounds the methods told: a client may send any word.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "EXTENSION_METHOD"
}

func protocol(e *Exchange) string {
	switch {
	case e.status == http.StatusSwitchingProtocols:
		return "websocket"
	case e.request.Header.Get("Accept") == "text/event-stream":
		return "sse"
	}
	return "http"
}

func (m *metrics) reloaded() {
	n := m.current.Load()
	n.reloads.Inc()
	n.success.SetToCurrentTime()
}
