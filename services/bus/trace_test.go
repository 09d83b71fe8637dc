package bus

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"axion/services/contract"
)

// traceFlow publishes an event whose handler makes a request, and gives the
// span contexts of both handlers.
func traceFlow(t *testing.T, change ...func(*Options)) (first, second oteltrace.SpanContext) {
	t.Helper()
	brokers := startCluster(t).ListenAddrs()
	a, b := openBus(t, brokers, "a", change...), openBus(t, brokers, "b", change...)
	spans := make(chan oteltrace.SpanContext, 2)
	a.Handle("EVENT", func(ctx context.Context, _ *Message) (any, error) {
		spans <- oteltrace.SpanContextFromContext(ctx)
		return nil, a.Request(ctx, Call{Topic: contract.Topic("b"), Type: "REQUEST"})
	})
	b.Handle("REQUEST", func(ctx context.Context, _ *Message) (any, error) {
		spans <- oteltrace.SpanContextFromContext(ctx)
		return nil, nil
	})
	stopA, stopB := runBus(t, a), runBus(t, b)
	if err := b.Publish(testContext(t), Event{Type: "EVENT", Topic: contract.Topic("a")}); err != nil {
		t.Fatal(err)
	}
	first, second = receive(t, spans, "event"), receive(t, spans, "request")
	if err := stopA(); err != nil {
		t.Error(err)
	}
	if err := stopB(); err != nil {
		t.Error(err)
	}
	return first, second
}

// TestTrace follows one flow over two services.
func TestTrace(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		recorder := tracetest.NewSpanRecorder()
		first, second := traceFlow(t, func(o *Options) {
			o.Tracer = trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
		})
		if first.TraceID() != second.TraceID() || first.SpanID() == second.SpanID() {
			t.Errorf("got %v and %v, want two spans of one trace", first, second)
		}
		parents := make(map[string]string)
		names := make(map[oteltrace.SpanID]string)
		for _, s := range recorder.Ended() {
			names[s.SpanContext().SpanID()] = s.Name()
		}
		for _, s := range recorder.Ended() {
			parents[s.Name()] = names[s.Parent().SpanID()]
		}
		for child, want := range map[string]string{
			"publish EVENT": "", "process EVENT": "publish EVENT",
			"request REQUEST": "process EVENT", "process REQUEST": "request REQUEST",
		} {
			if got, ok := parents[child]; !ok || got != want {
				t.Errorf("parent of %s: got %q (ended: %v), want %q", child, got, ok, want)
			}
		}
	})
	t.Run("OKNoTracer", func(t *testing.T) {
		t.Parallel()
		first, second := traceFlow(t)
		if !first.IsValid() || first.TraceID() != second.TraceID() {
			t.Errorf("got %v and %v, want one trace", first, second)
		}
	})
}
