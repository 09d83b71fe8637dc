package telemetry

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// samplingProvider makes spans by the SDK where they are recorded. Where they are not, which
// under load is nearly always, it does without the SDK, which would take as long
// for them as a message takes on the bus.
type samplingProvider struct {
	embedded.TracerProvider
	sdk     *sdktrace.TracerProvider
	sampler *sampler
	made    sync.Map // of *tracer, by name
}

var _ oteltrace.TracerProvider = (*samplingProvider)(nil)

// Tracer implements [oteltrace.TracerProvider].
func (g *samplingProvider) Tracer(name string, options ...oteltrace.TracerOption) oteltrace.Tracer {
	if len(options) > 0 {
		return &tracer{sdk: g.sdk.Tracer(name, options...), sampler: g.sampler}
	}
	if found, ok := g.made.Load(name); ok { // databases ask at each statement
		return found.(*tracer)
	}
	made, _ := g.made.LoadOrStore(name, &tracer{sdk: g.sdk.Tracer(name), sampler: g.sampler})
	return made.(*tracer)
}

type tracer struct {
	embedded.Tracer
	sdk     oteltrace.Tracer
	sampler *sampler
}

// Start implements [oteltrace.Tracer]. Whether a span with a parent is recorded, its
// parent says; one that is not stands for its parent.
func (t *tracer) Start(ctx context.Context, name string, options ...oteltrace.SpanStartOption) (context.Context, oteltrace.Span) {
	span := oteltrace.SpanFromContext(ctx)
	parent := span.SpanContext()
	root := !parent.IsValid()
	if !root && !parent.IsSampled() {
		config := oteltrace.NewSpanStartConfig(options...)
		if root = config.NewRoot(); !root {
			return ctx, span
		}
	}
	if root && !t.sampler.sample() {
		ctx = oteltrace.ContextWithSpanContext(ctx, unsampled())
		return ctx, oteltrace.SpanFromContext(ctx)
	}
	return t.sdk.Start(ctx, name, options...)
}

// unsampled begins a trace that nobody is to record.
func unsampled() oteltrace.SpanContext {
	var trace oteltrace.TraceID
	var span oteltrace.SpanID
	binary.NativeEndian.PutUint64(trace[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(trace[8:], rand.Uint64()|1)
	binary.NativeEndian.PutUint64(span[:], rand.Uint64()|1)
	return oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: trace, SpanID: span})
}
