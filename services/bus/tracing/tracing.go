// Package tracing makes the spans of messages by OpenTelemetry's conventions for
// messaging, and carries their W3C trace context in record headers.
package tracing

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

	"axion/services/bus/message"
)

// Tracer makes spans. It is safe for concurrent use.
type Tracer struct {
	tracer trace.Tracer // nil: nothing is recorded
	group  string
}

// New returns a tracer for a member of a consumer group. A nil provider records
// nothing, but messages still carry a trace context.
func New(provider trace.TracerProvider, group string) *Tracer {
	t := &Tracer{group: group}
	if provider != nil {
		t.tracer = provider.Tracer("axion")
	}
	return t
}

// Start begins a span as a child of ctx's. The context it returns always has
// a valid span context, also where nothing is recorded, so that the messages
// of one flow share a trace id.
func (t *Tracer) Start(ctx context.Context, verb, typ string, kind trace.SpanKind, options ...trace.SpanStartOption) (context.Context,
	trace.Span) {
	if parent := trace.SpanFromContext(ctx); parent.SpanContext().IsValid() && !parent.SpanContext().IsSampled() && len(options) == 0 {
		return ctx, parent // it is not recorded
	}
	var span trace.Span = noop.Span{}
	if t.tracer != nil {
		ctx, span = t.tracer.Start(ctx, verb+typ, append(options, trace.WithSpanKind(kind))...)
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, newRoot())
	}
	return ctx, span
}

// StartSend is [Tracer.Start] for what sends a message; operation is as OpenTelemetry's
// conventions for messaging have it, "send" or "create".
func (t *Tracer) StartSend(ctx context.Context, verb, typ, operation string) (context.Context, trace.Span) {
	ctx, span := t.Start(ctx, verb+" ", typ, trace.SpanKindProducer)
	if span.IsRecording() {
		span.SetAttributes(attribute.String("messaging.operation.name", verb), attribute.String("messaging.operation.type", operation))
	}
	return ctx, span
}

// StartChild begins the span of a step where ctx's trace is recorded, and none
// where it is not: for steps that only make a recorded trace clearer.
func (t *Tracer) StartChild(ctx context.Context, verb, typ string) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, noop.Span{}
	}
	return t.StartSend(ctx, verb, typ, "send")
}

// Describe sets the attributes of the message that a span is about.
func Describe(span trace.Span, topic, id string, key []byte, size int) {
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

// DescribeRecord is [Describe] for a record that is sent.
func DescribeRecord(span trace.Span, r *kgo.Record) {
	if span.IsRecording() {
		Describe(span, r.Topic, message.Headers(r.Headers).Get(message.HeaderID), r.Key, len(r.Value))
	}
}

// SetPosition sets where the broker has put a record.
func SetPosition(span trace.Span, r *kgo.Record) {
	if span.IsRecording() {
		setPosition(span, r.Partition, r.Offset)
	}
}

func setPosition(span trace.Span, partition int32, offset int64) {
	span.SetAttributes(attribute.String("messaging.destination.partition.id", strconv.Itoa(int(partition))),
		attribute.Int64("messaging.kafka.offset", offset))
}

// StartProcess begins the span of handling m, a child of the sender's. Of a dead
// letter that was replayed it is the beginning of a trace of its own, linked to
// the one that failed.
func (t *Tracer) StartProcess(ctx context.Context, m *message.Message) (context.Context, trace.Span) {
	ctx = Extract(ctx, &m.Headers)
	var options []trace.SpanStartOption
	replayed := m.Headers.Get(message.DeadReplayed)
	if replayed != "" {
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)))
	}
	ctx, span := t.Start(ctx, "process ", m.Type, trace.SpanKindConsumer, options...)
	if span.IsRecording() {
		Describe(span, m.Topic, m.ID, m.RawKey, len(m.Value))
		setPosition(span, m.Partition, m.Offset)
		span.SetAttributes(
			attribute.String("messaging.operation.name", "process"), attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.consumer.group.name", t.group),
		)
		if len(m.Correlation) > 0 {
			span.SetAttributes(attribute.String("messaging.message.conversation_id", string(m.Correlation)))
		}
		if replayed != "" {
			span.SetAttributes(attribute.String("axion.replayed", replayed))
		}
	}
	return ctx, span
}

// RecordFailedAttempt adds an event for a call of a handler that is followed by another.
func RecordFailedAttempt(ctx context.Context, attempt int, again time.Duration, err error) {
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

// RecordError records err on the span, where it is not nil, and returns it.
func RecordError(span trace.Span, err error) error {
	if err != nil && span.IsRecording() {
		span.RecordError(err)
		span.SetAttributes(attribute.String("error.type", fmt.Sprintf("%T", err)))
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// Inject appends ctx's trace headers, as [propagation.TraceContext] would.
func Inject(ctx context.Context, headers []kgo.RecordHeader) []kgo.RecordHeader {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return headers
	}
	traceID, spanID := sc.TraceID(), sc.SpanID()
	parent := make([]byte, 0, len("00-")+2*len(traceID)+len("-")+2*len(spanID)+len("-00"))
	parent = hex.AppendEncode(append(parent, "00-"...), traceID[:])
	parent = hex.AppendEncode(append(parent, '-'), spanID[:])
	parent = hex.AppendEncode(append(parent, '-'), []byte{byte(sc.TraceFlags() & trace.FlagsSampled)})
	headers = append(headers, kgo.RecordHeader{Key: message.HeaderTraceparent, Value: parent})
	if state := sc.TraceState().String(); state != "" {
		headers = append(headers, kgo.RecordHeader{Key: message.HeaderTracestate, Value: []byte(state)})
	}
	return headers
}

// WithoutTrace returns a copy of headers without the trace's.
func WithoutTrace(headers []kgo.RecordHeader) []kgo.RecordHeader {
	return slices.DeleteFunc(slices.Clone(headers), func(h kgo.RecordHeader) bool {
		return h.Key == message.HeaderTraceparent || h.Key == message.HeaderTracestate
	})
}

// Extract returns ctx with the trace that headers carry.
func Extract(ctx context.Context, headers *message.Headers) context.Context {
	return propagation.TraceContext{}.Extract(ctx, (*carrier)(headers))
}

// carrier lets a propagator read record headers.
type carrier message.Headers

var _ propagation.TextMapCarrier = (*carrier)(nil)

func (c *carrier) Get(key string) string { return message.Headers(*c).Get(key) }

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
