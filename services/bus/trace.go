package bus

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// tracerName is the instrumentation scope of the bus's spans.
const tracerName = "axion/services/bus"

// start begins a span as a child of ctx's. The context it returns always has
// a valid span context, also where nothing is recorded, so that the messages
// of one flow share a trace id.
func (b *Bus) start(ctx context.Context, verb, typ string, kind trace.SpanKind) (context.Context, trace.Span) {
	ctx, span := b.tracer.Start(ctx, verb+typ, trace.WithSpanKind(kind))
	if !span.SpanContext().IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, newRoot())
	}
	return ctx, span
}

// startProcess begins the span of handling m, a child of the sender's.
func (b *Bus) startProcess(ctx context.Context, m *Message) (context.Context, trace.Span) {
	ctx = propagation.TraceContext{}.Extract(ctx, (*carrier)(&m.Headers))
	ctx, span := b.start(ctx, "process ", m.Type, trace.SpanKindConsumer)
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("messaging.system", "kafka"),
			attribute.String("messaging.destination.name", m.Topic),
			attribute.Int("messaging.destination.partition.id", int(m.Partition)),
			attribute.Int64("messaging.kafka.offset", m.Offset),
			attribute.String("messaging.message.id", m.ID),
			attribute.String("messaging.kafka.message.key", m.Key),
		)
	}
	return ctx, span
}

// newRoot makes the span context of a trace that begins here. It is marked
// sampled: peers that record follow the mark.
func newRoot() trace.SpanContext {
	var traceID trace.TraceID
	var spanID trace.SpanID
	binary.NativeEndian.PutUint64(traceID[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(traceID[8:], rand.Uint64()|1)
	binary.NativeEndian.PutUint64(spanID[:], rand.Uint64()|1)
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled})
}

// note records err on the span and passes it on.
func note(span trace.Span, err error) error {
	if err != nil && span.IsRecording() {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// inject appends ctx's trace headers.
func inject(ctx context.Context, headers []kgo.RecordHeader) []kgo.RecordHeader {
	c := carrier(headers)
	propagation.TraceContext{}.Inject(ctx, &c)
	return c
}

// carrier lets a propagator read and append record headers.
type carrier Headers

var _ propagation.TextMapCarrier = (*carrier)(nil)

func (c *carrier) Get(key string) string { return Headers(*c).Get(key) }

func (c *carrier) Set(key, value string) {
	*c = append(*c, kgo.RecordHeader{Key: key, Value: []byte(value)})
}

func (c *carrier) Keys() []string {
	keys := make([]string, len(*c))
	for i, h := range *c {
		keys[i] = h.Key
	}
	return keys
}
