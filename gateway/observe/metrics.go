package observe

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
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

	mu    sync.Mutex    // held while series are removed
	alive func() *Alive // nil means that all are
	// foreign counts nothing that the gateway answers itself.
	foreign atomic.Bool
}

// counters are the metrics of one set of settings.
type counters struct {
	settings config.Prometheus
	headers  *headerLabels
	registry *prometheus.Registry
	scopes   [kinds]*labelSet // nil where not wanted
	retries  *prometheus.CounterVec
	faults   *prometheus.CounterVec
	reloads  prometheus.Counter
	success  prometheus.Gauge
	// cells are the counters of what is alike, found without hashing labels, and
	// without an allocation for each request, which a sync.Map of them costs.
	cells   map[seriesKey]*meters
	cellsMu sync.RWMutex // held for cells, and where recent is filled or emptied
	// recent are those that were asked for last, by a part of what the cell is: most
	// requests are like one of them, which is found without hashing all of it.
	recent [recentCells]atomic.Pointer[meters]

	mu    sync.Mutex // held while cells are made or removed
	index index
}

// labelSet is the same metrics for one kind of thing.
type labelSet struct {
	requests, received, sent, secure *prometheus.CounterVec
	duration                         *prometheus.HistogramVec
}

// meters are the counters of one cell.
type meters struct {
	of                               seriesKey
	requests, received, sent, secure []prometheus.Counter // secure is empty without TLS
	duration                         []prometheus.Observer
	attributes                       []metric.RecordOption
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
	n := &counters{settings: c, registry: prometheus.NewRegistry(), headers: newHeaderLabels(c.HeaderLabels),
		cells: make(map[seriesKey]*meters)}
	wanted := [kinds]bool{ofEntryPoint: enabled(c.AddEntryPointsLabels), ofRouter: c.AddRoutersLabels, ofService: enabled(c.AddServicesLabels)}
	for k, name := range kindNames {
		if wanted[k] {
			n.scopes[k] = newScope(n.registry, name, kindLabels[k], n.headers.labels, buckets)
		}
	}
	counter := func(name, help string) prometheus.CounterOpts { return prometheus.CounterOpts{Name: name, Help: help} }
	n.retries = prometheus.NewCounterVec(counter("traefik_service_retries_total", "Further attempts, by service."), []string{"service"})
	n.faults = prometheus.NewCounterVec(counter("axion_gateway_faults_total", "Requests that were broken on purpose, by router."),
		[]string{"router"})
	n.reloads = prometheus.NewCounter(counter("traefik_config_reloads_total", "Configurations that came into force."))
	n.success = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "traefik_config_last_reload_success", Help: "When a configuration last came into force, in Unix seconds.",
	})
	n.registry.MustRegister(n.retries, n.faults, n.reloads, n.success, l,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return n
}

func newScope(registry *prometheus.Registry, name string, own, headers []string, buckets []float64) *labelSet {
	counter := func(suffix, help string, labels ...string) *prometheus.CounterVec {
		opts := prometheus.CounterOpts{Name: "traefik_" + name + suffix, Help: help + ", by " + name + "."}
		return prometheus.NewCounterVec(opts, append(labels, own...))
	}
	of := []string{"code", "method", "protocol"}
	s := &labelSet{
		requests: counter("_requests_total", "Requests", slices.Concat(headers, of)...),
		secure:   counter("_requests_tls_total", "Requests over TLS", "tls_version", "tls_cipher"),
		received: counter("_requests_bytes_total", "Bytes of the bodies of requests", of...),
		sent:     counter("_responses_bytes_total", "Bytes of answers", of...),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "traefik_" + name + "_request_duration_seconds", Help: "How long requests took, by " + name + ".", Buckets: buckets,
		}, slices.Concat(of, own)),
	}
	registry.MustRegister(s.requests, s.secure, s.received, s.sent, s.duration)
	return s
}

// configure starts counting anew where the settings are others. Those with which
// nothing can be counted are an error, and change nothing.
func (m *metrics) configure(c *config.Metrics) error {
	var want config.Prometheus
	if c != nil && c.Prometheus != nil {
		want = *c.Prometheus
	}
	if list := want.Mistakes(); len(list) > 0 {
		return fmt.Errorf("metrics.prometheus.%s: %s", list[0].Label, list[0].Message)
	}
	m.foreign.Store(c != nil && !c.AddInternals)
	have := m.current.Load().settings
	same := slices.Equal(have.Buckets, want.Buckets) && have.AddRoutersLabels == want.AddRoutersLabels &&
		enabled(have.AddEntryPointsLabels) == enabled(want.AddEntryPointsLabels) &&
		enabled(have.AddServicesLabels) == enabled(want.AddServicesLabels) &&
		maps.Equal(have.HeaderLabels, want.HeaderLabels)
	if !same {
		m.current.Store(newCounters(want, m.live))
	}
	return nil
}

// handler serves what Scrape reads.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(prometheus.GathererFunc(m.Scrape), promhttp.HandlerOpts{})
}

// Gather reads the metrics under the present settings.
func (m *metrics) Gather() ([]*dto.MetricFamily, error) { return m.current.Load().registry.Gather() }

func (m *metrics) count(e *Exchange, took time.Duration) {
	if m.foreign.Load() && internal(e.service) {
		return
	}
	n := m.current.Load()
	if e.retries > 0 {
		n.retries.WithLabelValues(e.service).Add(float64(e.retries))
	}
	if e.fault != "" {
		n.faults.WithLabelValues(e.router).Inc()
	}
	seconds, size, received := took.Seconds(), float64(e.size), float64(readBytes(e))
	c := newCell(e, n.headers)
	at := n.meters(&c)
	for i := range at.requests {
		at.requests[i].Inc()
		at.sent[i].Add(size)
		if received > 0 {
			at.received[i].Add(received)
		}
		at.duration[i].Observe(seconds)
	}
	for _, c := range at.secure {
		c.Inc()
	}
	if m.took != nil {
		m.took.Record(context.Background(), seconds, at.attributes...)
	}
}

func (n *counters) find(c *seriesKey) *meters {
	recent := &n.recent[c.place()]
	if m := recent.Load(); m != nil && m.of == *c {
		return m
	}
	n.cellsMu.RLock()
	defer n.cellsMu.RUnlock()
	m := n.cells[*c]
	if m != nil {
		recent.Store(m)
	}
	return m
}

func (n *counters) meters(c *seriesKey) *meters {
	if m := n.find(c); m != nil {
		return m
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.find(c); m != nil {
		return m
	}
	m := &meters{of: *c, attributes: c.attributes()}
	for k, s := range n.scopes {
		own := c.own(kind(k))
		if own == nil {
			continue
		}
		plain, secure := c.labels(own), c.secureLabels(own)
		n.index.add(kind(k), c, own)
		if s == nil {
			continue
		}
		m.requests = append(m.requests, s.requests.WithLabelValues(c.requestLabels(own)...))
		m.sent = append(m.sent, s.sent.WithLabelValues(plain...))
		m.received = append(m.received, s.received.WithLabelValues(plain...))
		m.duration = append(m.duration, s.duration.WithLabelValues(plain...))
		if secure != nil {
			m.secure = append(m.secure, s.secure.WithLabelValues(secure...))
		}
	}
	n.cellsMu.Lock()
	defer n.cellsMu.Unlock()
	n.cells[*c] = m
	return m
}

func (m *metrics) reloaded() {
	n := m.current.Load()
	n.reloads.Inc()
	n.success.SetToCurrentTime()
}
