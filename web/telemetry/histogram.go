package telemetry

import (
	"context"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// durations are the buckets of what takes seconds. On one machine most things
// take less than the 5 ms at which OpenTelemetry's own begin.
var durations = [...]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// histograms are a part's histograms of durations. The SDK's take six times as long for
// a value, which each request and message would feel: they look for duplicates in its
// attributes, and for a sample of the values.
type histograms struct {
	metric.MeterProvider // the SDK's, for all else

	began time.Time
	mu    sync.Mutex
	named map[string]*histogram
}

var (
	_ metric.MeterProvider = (*histograms)(nil)
	_ sdkmetric.Producer   = (*histograms)(nil)
)

func newHistograms() *histograms {
	return &histograms{began: time.Now(), named: map[string]*histogram{}}
}

// Meter implements [metric.MeterProvider].
func (t *histograms) Meter(name string, options ...metric.MeterOption) metric.Meter {
	return &meter{t.MeterProvider.Meter(name, options...), t}
}

// meter makes instruments by the SDK, but for the histograms of seconds.
type meter struct {
	metric.Meter
	timers *histograms
}

// Float64Histogram implements [metric.Meter].
func (m *meter) Float64Histogram(name string, options ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	// The SDK knows which names there may be. What is never recorded it never lists.
	made, err := m.Meter.Float64Histogram(name, options...)
	if config := metric.NewFloat64HistogramConfig(options...); err == nil && config.Unit() == "s" {
		return m.timers.get(name, config.Description()), nil
	}
	return made, err
}

func (t *histograms) get(name, description string) *histogram {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.named[name] == nil {
		t.named[name] = &histogram{name: name, description: description}
		t.named[name].series.Store(&map[attribute.Distinct]*series{})
	}
	return t.named[name]
}

// Produce implements [sdkmetric.Producer].
func (t *histograms) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []metricdata.Metrics
	for _, h := range t.named {
		if points := h.points(t.began, time.Now()); len(points) > 0 {
			all = append(all, metricdata.Metrics{
				Name: h.name, Description: h.description, Unit: "s",
				Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points},
			})
		}
	}
	return []metricdata.ScopeMetrics{{Metrics: all}}, nil
}

// histogram is one histogram: what was recorded with the same attributes is in one cell.
type histogram struct {
	embedded.Float64Histogram
	name, description string

	series atomic.Pointer[map[attribute.Distinct]*series] // replaced as a whole
	adding sync.Mutex
}

var _ metric.Float64Histogram = (*histogram)(nil)

type series struct {
	set     attribute.Set
	buckets [len(durations) + 1]atomic.Uint64
	sum     atomic.Uint64 // the bits of a float
}

// overflow has what is recorded with further attributes once there are maxSeries, as
// OpenTelemetry's SDKs have it.
var overflow = attribute.NewSet(attribute.Bool("otel.metric.overflow", true))

// Enabled implements [metric.Float64Histogram].
func (*histogram) Enabled(context.Context) bool { return true }

// Record implements [metric.Float64Histogram].
func (t *histogram) Record(_ context.Context, seconds float64, options ...metric.RecordOption) {
	config := metric.NewRecordConfig(options)
	set := config.Attributes()
	c := (*t.series.Load())[set.Equivalent()]
	if c == nil {
		c = t.add(set)
	}
	bucket := 0
	for bucket < len(durations) && seconds > durations[bucket] {
		bucket++
	}
	c.buckets[bucket].Add(1)
	for {
		old := c.sum.Load()
		if c.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+seconds)) {
			return
		}
	}
}

func (t *histogram) add(set attribute.Set) *series {
	t.adding.Lock()
	defer t.adding.Unlock()
	have := *t.series.Load()
	if len(have) >= maxSeries-1 && have[set.Equivalent()] == nil {
		set = overflow
	}
	if c := have[set.Equivalent()]; c != nil {
		return c
	}
	more := maps.Clone(have)
	c := &series{set: set}
	more[set.Equivalent()] = c
	t.series.Store(&more)
	return c
}

// Forget removes what was recorded with the attributes that dead reports. What is
// recorded with them later begins anew.
func (t *histogram) Forget(dead func(attribute.Set) bool) {
	t.adding.Lock()
	defer t.adding.Unlock()
	have := *t.series.Load()
	fewer := maps.Clone(have)
	maps.DeleteFunc(fewer, func(_ attribute.Distinct, c *series) bool { return dead(c.set) })
	if len(fewer) < len(have) {
		t.series.Store(&fewer)
	}
}

func (t *histogram) points(began, now time.Time) []metricdata.HistogramDataPoint[float64] {
	var points []metricdata.HistogramDataPoint[float64]
	for _, c := range *t.series.Load() {
		p := metricdata.HistogramDataPoint[float64]{
			Attributes: c.set, StartTime: began, Time: now, Bounds: durations[:], Sum: math.Float64frombits(c.sum.Load()),
			BucketCounts: make([]uint64, len(c.buckets)),
		}
		for i := range c.buckets {
			p.BucketCounts[i] = c.buckets[i].Load()
			p.Count += p.BucketCounts[i]
		}
		points = append(points, p)
	}
	return points
}
