package live

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"axion/web/telemetry"
)

// Measure has the hub's pages, what they watch and what was sent to them counted
// whenever the metrics are read.
func (h *Hub) Measure(metrics *telemetry.Metrics) {
	provider, _ := metrics.Provider("dashboard", "")
	meter := provider.Meter("axion/dashboard")
	pages, err := meter.Int64ObservableUpDownCounter("axion.dashboard.pages", metric.WithUnit("{page}"),
		metric.WithDescription("Pages that are open."))
	watches, errWatches := meter.Int64ObservableUpDownCounter("axion.dashboard.watches", metric.WithUnit("{watch}"),
		metric.WithDescription("Channels that pages watch."))
	sent, errSent := meter.Int64ObservableCounter("axion.dashboard.sent.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Messages sent to pages."))
	bytes, errBytes := meter.Int64ObservableCounter("axion.dashboard.sent.size", metric.WithUnit("By"),
		metric.WithDescription("Bytes sent to pages, before compression."))
	_, errCallback := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		open, watched := h.count()
		o.ObserveInt64(pages, int64(open))
		o.ObserveInt64(watches, int64(watched))
		o.ObserveInt64(sent, h.sent.Load())
		o.ObserveInt64(bytes, h.sentBytes.Load())
		return nil
	}, pages, watches, sent, bytes)
	for _, err := range []error{err, errWatches, errSent, errBytes, errCallback} {
		if err != nil {
			panic(err) // a name that no instrument can have
		}
	}
}

// count is how many pages are open, and how many channels they watch.
func (h *Hub) count() (pages, watches int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, v := range h.sessions {
		v.mu.Lock()
		watches += len(v.watches)
		v.mu.Unlock()
	}
	return h.open, watches
}
