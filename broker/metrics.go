package broker

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// RegisterMetrics measures what [admin.Admin.RegisterMetrics] does, and the broker's connections:
// those that are open, by whether they come from outside this process, how many of
// these may be, and those that were refused. Call it once.
func (b *Broker) RegisterMetrics(provider metric.MeterProvider) error {
	if err := b.admin.RegisterMetrics(provider); err != nil {
		return err
	}
	meter := provider.Meter("axion/broker")
	unit := metric.WithUnit("{connection}")
	open, err := meter.Int64ObservableGauge("kafka.broker.connections", unit, metric.WithDescription("Open connections."))
	limit, limitErr := meter.Int64ObservableGauge("kafka.broker.connections.limit", unit,
		metric.WithDescription("Connections from outside the process that may be open."))
	refused, refusedErr := meter.Int64ObservableCounter("kafka.broker.connections.refused", unit,
		metric.WithDescription("Connections refused because too many were open."))
	if err = errors.Join(err, limitErr, refusedErr); err == nil {
		_, err = meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
			outside, most, turnedAway := b.limiter.Counts()
			own := b.embedded.current.Load().guard.OwnConns()
			to.ObserveInt64(open, int64(outside), metric.WithAttributes(attribute.String("axion.connection.origin", "outside")))
			to.ObserveInt64(open, int64(own), metric.WithAttributes(attribute.String("axion.connection.origin", "own")))
			to.ObserveInt64(limit, int64(most))
			to.ObserveInt64(refused, turnedAway)
			return nil
		}, open, limit, refused)
	}
	if err != nil {
		return fmt.Errorf("measure connections: %w", err)
	}
	return nil
}
