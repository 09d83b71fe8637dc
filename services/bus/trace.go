package bus

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// start begins a span as a child of ctx's. The context it returns always has
// a valid span context, also where nothing is recorded, so that the messages
// of one flow share a trace id.
func (b *Bus) start(ctx context.Context, verb, typ string, kind trace.SpanKind, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if parent := trace.SpanFromContext(ctx); parent.SpanContext().IsValid() && !parent.SpanContext().IsSampled() && len(options) == 0 {
		return ctx, parent // nobody records it
	}
	var span trace.Span = noop.Span{}
	if b.tracer != nil {
		ctx, span = b.tracer.Start(ctx, verb+typ, append(options, trace.WithSpanKind(kind))...)
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, newRoot())
	}
	return ctx, span
}

// startSend is start for what sends a message; operation is as OpenTelemetry's
// conventions for messaging have it, "send" or "create".
func (b *Bus) startSend(ctx context.Context, verb, typ, operation string) (context.Context, trace.Span) {
	ctx, span := b.start(ctx, verb+" ", typ, trace.SpanKindProducer)
	if span.IsRecording() {
		span.SetAttributes(attribute.String("messaging.operation.name", verb), attribute.String("messaging.operation.type", operation))
	}
	return ctx, span
}

// continued begins the span of a step in what ctx's trace is recorded of, and none
// where it is not: for steps that a sampled trace is clearer with.
func (b *Bus) continued(ctx context.Context, verb, typ string) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, noop.Span{}
	}
	return b.startSend(ctx, verb, typ, "send")
}

// describe tells what message a span is about.
func describe(span trace.Span, topic, id string, key []byte, size int) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("messaging.system", "kafka"), attribute.String("messaging.destination.name", topic),
		attribute.Int("messaging.message.body.size", size))
	if id != "" {
		span.SetAttributes(attribute.String("messaging.message.id", id))
	}
	if key != nil {
		span.SetAttributes(attribute.String("messaging.kafka.message.key", string(key)))
	}
}

// describeRecord is describe for a record that is sent.
func describeRecord(span trace.Span, r *kgo.Record) {
	if span.IsRecording() {
		describe(span, r.Topic, Headers(r.Headers).Get(headerID), r.Key, len(r.Value))
	}
}

// acked tells where the broker has put a record.
func acked(span trace.Span, r *kgo.Record) {
	if span.IsRecording() {
		placed(span, r.Partition, r.Offset)
	}
}

func placed(span trace.Span, partition int32, offset int64) {
	span.SetAttributes(attribute.String("messaging.destination.partition.id", strconv.Itoa(int(partition))),
		attribute.Int64("messaging.kafka.offset", offset))
}

// startProcess begins the span of handling m, a child of the sender's. Of a dead
// letter that was replayed it is the beginning of a trace of its own, linked to
// the one that failed: somebody wanted it again.
func (b *Bus) startProcess(ctx context.Context, m *Message) (context.Context, trace.Span) {
	ctx = propagation.TraceContext{}.Extract(ctx, (*carrier)(&m.Headers))
	var options []trace.SpanStartOption
	replayed := m.Headers.Get(DeadReplayed)
	if replayed != "" {
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)))
	}
	ctx, span := b.start(ctx, "process ", m.Type, trace.SpanKindConsumer, options...)
	if span.IsRecording() {
		describe(span, m.Topic, m.ID, m.rawKey, len(m.Value))
		placed(span, m.Partition, m.Offset)
		span.SetAttributes(
			attribute.String("messaging.operation.name", "process"), attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.consumer.group.name", Group(b.service)),
		)
		if len(m.correlation) > 0 {
			span.SetAttributes(attribute.String("messaging.message.conversation_id", string(m.correlation)))
		}
		if replayed != "" {
			span.SetAttributes(attribute.String("axion.replayed", replayed))
		}
	}
	return ctx, span
}

// failedAttempt notes a call of a handler that is followed by another.
func failedAttempt(ctx context.Context, attempt int, again time.Duration, err error) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("attempt failed", trace.WithAttributes(attribute.Int("axion.attempt", attempt),
			attribute.String("axion.again_in", again.String()), attribute.String("exception.message", err.Error())))
	}
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
		span.SetAttributes(attribute.String("error.type", fmt.Sprintf("%T", err)))
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// inject appends ctx's trace headers, as [propagation.TraceContext] would.
func inject(ctx context.Context, headers []kgo.RecordHeader) []kgo.RecordHeader {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return headers
	}
	traceID, spanID := sc.TraceID(), sc.SpanID()
	parent := make([]byte, 0, len("00-")+2*len(traceID)+len("-")+2*len(spanID)+len("-00"))
	parent = hex.AppendEncode(append(parent, "00-"...), traceID[:])
	parent = hex.AppendEncode(append(parent, '-'), spanID[:])
	parent = hex.AppendEncode(append(parent, '-'), []byte{byte(sc.TraceFlags() & trace.FlagsSampled)})
	headers = append(headers, kgo.RecordHeader{Key: headerTraceparent, Value: parent})
	if state := sc.TraceState().String(); state != "" {
		headers = append(headers, kgo.RecordHeader{Key: headerTracestate, Value: []byte(state)})
	}
	return headers
}

// withoutTrace leaves the trace's headers out.
func withoutTrace(headers []kgo.RecordHeader) []kgo.RecordHeader {
	return slices.DeleteFunc(slices.Clone(headers), func(h kgo.RecordHeader) bool { return h.Key == headerTraceparent || h.Key == headerTracestate })
}

// carrier lets a propagator read record headers.
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
