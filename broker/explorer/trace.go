package explorer

import (
	"context"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// beginTrace has a record begin a trace, by a header (W3C Trace Context), and the
// trace begin with a span of its production, by OpenTelemetry's conventions for Kafka.
// The caller calls end with the record as it was written, or why it was not.
func (e *Explorer) beginTrace(ctx context.Context, r *kgo.Record) (end func(written *kgo.Record, err error)) {
	ctx, span := e.tracer.Start(ctx, "publish "+r.Topic, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "publish"),
		attribute.String("messaging.operation.type", "send"),
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
