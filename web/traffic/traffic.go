// Package traffic says what flows between the parts of the stack: rates, errors
// and medians over the last seconds, counted from the metrics and so true under
// any load, and single requests and messages as they happen, from the spans.
package traffic

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"axion/web/telemetry"
)

const (
	// window is over how long rates are measured.
	window = 10 * time.Second
	// cacheTime is how long a map serves all who ask.
	cacheTime = 900 * time.Millisecond
	// sendInterval is how often a watcher gets one.
	sendInterval = time.Second
)

// Part is a part of the stack that is there with or without traffic.
type Part struct {
	Name, Kind, State, Detail string
}

// Route is where the gateway sends what a service of its table gets.
type Route struct {
	Service      string // of the table, "axion-graph@docker"
	Name         string // of the compose service, "graph-service"
	Known        bool   // it has servers
	Up           bool   // one of them is, as far as anybody knows
	Checked      bool   // somebody does
	HideWhenIdle bool   // it is shown only once it has traffic, as what only looks on
}

// Options of a [Monitor]. The functions are asked about once a second while
// somebody watches.
type Options struct {
	// Metrics are those of all parts. Required.
	Metrics prometheus.Gatherer
	// Spans are where single requests and messages are reported. Nil means that there
	// are none.
	Spans *telemetry.Store
	// Parts and Routes say what is there. Parts bounds its own time: its context does
	// not end. Nil means nothing.
	Parts  func(context.Context) []Part
	Routes func() []Route
}

// Monitor measures the traffic while somebody looks. It is safe for concurrent use.
type Monitor struct {
	opts Options

	mu                sync.Mutex
	samples           []*sample // oldest first, none older than the window but for the first
	externalProducers map[string]*externalProducer
	last              Map
	lastAt            time.Time
}

// New returns a monitor.
func New(opts Options) *Monitor {
	if opts.Parts == nil {
		opts.Parts = func(context.Context) []Part { return nil }
	}
	if opts.Routes == nil {
		opts.Routes = func() []Route { return nil }
	}
	return &Monitor{opts: opts, externalProducers: map[string]*externalProducer{}}
}

// Snapshot returns the present state. The first look after a while knows of no rates. What
// one caller's look finds is shared with others: it goes on when that caller's ctx ends.
func (m *Monitor) Snapshot(ctx context.Context) Map {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.lastAt) < cacheTime {
		return m.last
	}
	parts, routes := m.opts.Parts(context.WithoutCancel(ctx)), m.opts.Routes()
	s, err := m.read(routes)
	if err == nil {
		m.addSample(s)
	}
	m.last = m.build(parts, routes)
	if err != nil {
		m.last.Error = "some metrics could not be read: " + err.Error()
	}
	m.lastAt = time.Now()
	return m.last
}

// addSample adds a sample and lets go of those that are too old.
func (m *Monitor) addSample(s *sample) {
	m.samples = append(m.samples, s)
	for len(m.samples) > 1 && s.at.Sub(m.samples[0].at) > window+cacheTime {
		m.samples = m.samples[1:]
	}
}

// windowSamples are the samples that rates are made of; they are one where there is no
// other.
func (m *Monitor) windowSamples() (from, to *sample) {
	if len(m.samples) == 0 {
		return &sample{}, &sample{}
	}
	return m.samples[0], m.samples[len(m.samples)-1]
}
