package live

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// pushMetrics counts what the WebSockets are sent, and how many there are.
type pushMetrics struct {
	sent    metric.Int64Counter
	options []metric.AddOption
}

func newPushMetrics(meter metric.Meter, open func() int) pushMetrics {
	sent, err := meter.Int64Counter("axion.websocket.sent.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Messages sent to WebSockets."))
	if err != nil {
		panic(err) // a name that no instrument can have
	}
	_, err = meter.Int64ObservableUpDownCounter("axion.websocket.connections", metric.WithUnit("{connection}"),
		metric.WithDescription("WebSockets that are open."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(open()))
			return nil
		}))
	if err != nil {
		panic(err)
	}
	set := metric.WithAttributeSet(attribute.NewSet(attribute.String("network.protocol.name", "websocket")))
	return pushMetrics{sent, []metric.AddOption{set}}
}

func (p pushMetrics) add(n int) { p.sent.Add(context.Background(), int64(n), p.options...) }
