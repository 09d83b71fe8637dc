package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const (
	// measureTime bounds the questions of one reading of the metrics.
	measureTime = time.Second
	// maxMeasured bounds the topics and the groups that metrics tell of: the first
	// by name.
	maxMeasured = 500
)

// gauges are the metrics of a cluster, named as OpenTelemetry's collector names
// them where it does.
type gauges struct {
	admin                  *Admin
	partitions, kept, size metric.Int64ObservableGauge
	produced               metric.Int64ObservableCounter
	members, lag, offset   metric.Int64ObservableGauge
}

// Measure has the cluster's topics and groups measured whenever provider's metrics
// are read: messages and bytes by topic, members, offset and lag by group. A
// cluster that does not answer is left out. Call it once.
func (a *Admin) Measure(provider metric.MeterProvider) error {
	g := &gauges{admin: a}
	meter := provider.Meter("axion/broker")
	var failed error
	gauge := func(name, unit, description string) metric.Int64ObservableGauge {
		i, err := meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		failed = errors.Join(failed, err)
		return i
	}
	g.partitions = gauge("kafka.topic.partitions", "{partition}", "Number of partitions in topic.")
	g.kept = gauge("kafka.topic.kept", "{message}", "Messages that a topic holds now.")
	g.size = gauge("kafka.topic.size", "By", "Bytes that a topic takes, over all replicas.")
	g.members = gauge("kafka.consumer_group.members", "{member}", "Count of members in the consumer group.")
	g.lag = gauge("kafka.consumer_group.lag_sum", "{message}", "Current approximate sum of consumer group lag across all partitions of topic.")
	g.offset = gauge("kafka.consumer_group.offset_sum", "{message}", "Sum of consumer group offset across partitions of topic.")
	var err error
	g.produced, err = meter.Int64ObservableCounter("kafka.topic.messages", metric.WithUnit("{message}"), metric.WithDescription("Messages that a topic was ever given."))
	if err = errors.Join(failed, err); err == nil {
		_, err = meter.RegisterCallback(g.observe, g.partitions, g.kept, g.size, g.produced, g.members, g.lag, g.offset)
	}
	if err != nil {
		return fmt.Errorf("measure the cluster: %w", err)
	}
	return nil
}

// Measure has what [Admin.Measure] tells measured, and the broker's connections:
// those that are open, by whether they come from outside this process, how many of
// these may be, and those that were refused. Call it once.
func (b *Broker) Measure(provider metric.MeterProvider) error {
	if err := b.admin.Measure(provider); err != nil {
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
			to.ObserveInt64(open, int64(outside), metric.WithAttributes(attribute.String("axion.connection.origin", "outside")))
			to.ObserveInt64(open, int64(b.ownConns()), metric.WithAttributes(attribute.String("axion.connection.origin", "own")))
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

// ownConns counts the connections of clients in this process.
func (b *Broker) ownConns() (n int) {
	b.life.RLock()
	f := b.front
	b.life.RUnlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for g := range f.conns {
		if g.own {
			n++
		}
	}
	return n
}

// observe asks the cluster. What it cannot tell is left out.
func (g *gauges) observe(ctx context.Context, to metric.Observer) error {
	ctx, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	topics, err := g.admin.Topics(ctx)
	if err != nil {
		return nil // told by the health checks
	}
	ends := map[string]int64{}
	for _, t := range topics[:min(len(topics), maxMeasured)] {
		of := metric.WithAttributes(attribute.String("messaging.destination.name", t.Name))
		for _, p := range t.Partitions {
			ends[t.Name] += p.End
		}
		to.ObserveInt64(g.partitions, int64(len(t.Partitions)), of)
		to.ObserveInt64(g.kept, t.Messages, of)
		to.ObserveInt64(g.produced, ends[t.Name], of)
	}
	for name, bytes := range g.admin.sizes(ctx) {
		if _, told := ends[name]; told {
			to.ObserveInt64(g.size, bytes, metric.WithAttributes(attribute.String("messaging.destination.name", name)))
		}
	}
	groups, err := g.admin.Groups(ctx)
	if err != nil {
		return nil
	}
	for _, group := range groups[:min(len(groups), maxMeasured)] {
		name := attribute.String("messaging.consumer.group.name", group.Name)
		to.ObserveInt64(g.members, int64(group.Members), metric.WithAttributes(name))
		for topic, lag := range group.Lag {
			if end, told := ends[topic]; told {
				of := metric.WithAttributes(name, attribute.String("messaging.destination.name", topic))
				to.ObserveInt64(g.lag, lag, of)
				to.ObserveInt64(g.offset, max(0, end-lag), of)
			}
		}
	}
	return nil
}

// sizes are the bytes that topics take; none where the cluster does not say.
func (a *Admin) sizes(ctx context.Context) map[string]int64 {
	described, err := a.client.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil
	}
	sizes := map[string]int64{}
	described.Each(func(dir kadm.DescribedLogDir) {
		for topic, partitions := range dir.Topics {
			for _, p := range partitions {
				sizes[topic] += p.Size
			}
		}
	})
	return sizes
}
