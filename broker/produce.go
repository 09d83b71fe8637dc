package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// produceTime bounds the production of one message.
const produceTime = 10 * time.Second

// ErrInternal says that a topic is the cluster's own: nobody else writes to it.
var ErrInternal = errors.New("the topic is the broker's own: it is only read")

// Produce writes one record, to the partition that it names or, where that is
// negative, to the one of its key. It returns the record as it was written.
func (a *Admin) Produce(ctx context.Context, r *kgo.Record) (*kgo.Record, error) {
	t, err := a.topic(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	if t.IsInternal {
		return nil, fmt.Errorf("%w: %s", ErrInternal, r.Topic)
	}
	if _, ok := t.Partitions[r.Partition]; r.Partition >= 0 && !ok {
		return nil, fmt.Errorf("%w: %s has %d", ErrNoPartition, r.Topic, len(t.Partitions))
	}
	written, err := a.raw.ProduceSync(ctx, r).First()
	if errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID) {
		return nil, fmt.Errorf("%w: %s", ErrNoTopic, r.Topic)
	}
	if err != nil {
		return nil, fmt.Errorf("produce to %s: %w", r.Topic, err)
	}
	return written, nil
}

// beginTrace has a record begin a trace, by a header (W3C Trace Context), and the
// trace begin with a span of its production, by OpenTelemetry's conventions for Kafka.
// The caller calls end with the record as it was written, or why it was not.
func (e *Explorer) beginTrace(ctx context.Context, r *kgo.Record) (end func(written *kgo.Record, err error)) {
	ctx, span := e.tracer.Start(ctx, "publish "+r.Topic, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "publish"), attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", r.Topic), attribute.Int("messaging.message.body.size", len(r.Value))))
	if r.Key != nil {
		span.SetAttributes(attribute.String("messaging.kafka.message.key", string(r.Key)))
	}
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, header)
	for name, value := range header {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return func(written *kgo.Record, err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		} else {
			span.SetAttributes(attribute.String("messaging.destination.partition.id", strconv.Itoa(int(written.Partition))),
				attribute.Int64("messaging.kafka.offset", written.Offset))
		}
		span.End()
	}
}

// namedOrByKey honours a partition that a record names.
type namedOrByKey struct{ byKey kgo.Partitioner }

// ForTopic implements [kgo.Partitioner].
func (p namedOrByKey) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{p.byKey.ForTopic(topic)}
}

type topicPartitioner struct{ kgo.TopicPartitioner }

// Partition implements [kgo.TopicPartitioner].
func (p topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 && int(r.Partition) < n {
		return int(r.Partition)
	}
	return p.TopicPartitioner.Partition(r, n)
}
