package telemetry

import (
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// maxSeries bounds the sets of attributes of one instrument: what goes beyond
// is counted in one of them, otel_metric_overflow.
const maxSeries = 2_000

// Metrics are those of all parts of this process, by OpenTelemetry's API, read in
// Prometheus's form. The zero value has none. It is safe for concurrent use.
type Metrics struct {
	mu    sync.Mutex
	parts []prometheus.Gatherer
}

var _ prometheus.Gatherer = (*Metrics)(nil)

// Provider gives a part of the stack what it counts with, and what serves its metrics
// alone, those of the process among them. They are labelled with service_name
// and, where there is one, service_instance_id. It panics on what no name can be.
func (m *Metrics) Provider(service, instance string) (metric.MeterProvider, http.Handler) {
	attributes := []attribute.KeyValue{attribute.String("service.name", service)}
	if instance != "" {
		attributes = append(attributes, attribute.String("service.instance.id", instance))
	}
	registry, timers := prometheus.NewRegistry(), newHistograms()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithProducer(timers),
		otelprometheus.WithoutTargetInfo(), otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithResourceAsConstantLabels(func(attribute.KeyValue) bool { return true }))
	if err != nil {
		panic(fmt.Sprintf("metrics of %s: %v", service, err)) // a registry of its own takes it
	}
	timers.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter),
		sdkmetric.WithResource(resource.NewSchemaless(attributes...)),
		sdkmetric.WithCardinalityLimit(maxSeries))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts = append(m.parts, registry)
	return timers, Handler(prometheus.Gatherers{registry, process()})
}

// process registers the metrics of the Go runtime and the process.
func process() prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// Add has the metrics of a part that counts by other means listed among the others.
func (m *Metrics) Add(g prometheus.Gatherer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts = append(m.parts, g)
}

// Gather reads the metrics of all parts.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) {
	return prometheus.Gatherers(m.all()).Gather()
}

// Scrape reads them for who keeps them: parts that leave out what is no more, once it
// was read, take note of that. Others call Gather.
func (m *Metrics) Scrape() ([]*dto.MetricFamily, error) {
	parts := m.all()
	for i, part := range parts {
		if s, ok := part.(scraper); ok {
			parts[i] = prometheus.GathererFunc(s.Scrape)
		}
	}
	return prometheus.Gatherers(parts).Gather()
}

func (m *Metrics) all() []prometheus.Gatherer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.parts)
}

// scraper is a Gatherer that knows which reader keeps what it gives.
type scraper interface {
	Scrape() ([]*dto.MetricFamily, error)
}

var _ scraper = (*Metrics)(nil)

// Handler serves metrics in Prometheus's form. What cannot be read leaves the rest
// as it is.
func Handler(g prometheus.Gatherer) http.Handler {
	if s, ok := g.(scraper); ok {
		g = prometheus.GathererFunc(s.Scrape)
	}
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}
