package admin

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
	// measureTimeout bounds the questions of one reading of the metrics.
	measureTimeout = time.Second
	// maxMeasured bounds the topics and the groups that metrics cover: the first
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

// RegisterMetrics has the cluster's topics and groups measured whenever provider's metrics
// are read: messages and bytes by topic, members, offset and lag by group. A
// cluster that does not answer is left out. Call it once.
func (a *Admin) RegisterMetrics(provider metric.MeterProvider) error {
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
	g.produced, err = meter.Int64ObservableCounter("kafka.topic.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Messages that a topic was ever given."))
	if err = errors.Join(failed, err); err == nil {
		_, err = meter.RegisterCallback(g.observe, g.partitions, g.kept, g.size, g.produced, g.members, g.lag, g.offset)
	}
	if err != nil {
		return fmt.Errorf("measure the cluster: %w", err)
	}
	return nil
}

// observe asks the cluster. What it cannot read is left out.
func (g *gauges) observe(ctx context.Context, to metric.Observer) error {
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	topics, err := g.admin.Topics(ctx)
	if err != nil {
		return nil // the health checks report it
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
		if _, known := ends[name]; known {
			to.ObserveInt64(g.size, bytes, metric.WithAttributes(attribute.String("messaging.destination.name", name)))
		}
	}
	groups, err := g.admin.Groups().List(ctx)
	if err != nil {
		return nil
	}
	for _, group := range groups[:min(len(groups), maxMeasured)] {
		name := attribute.String("messaging.consumer.group.name", group.Name)
		to.ObserveInt64(g.members, int64(group.Members), metric.WithAttributes(name))
		for topic, lag := range group.Lag {
			if end, known := ends[topic]; known {
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
