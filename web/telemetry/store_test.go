package telemetry_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"axion/web/telemetry"
)

func TestProvider(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	source := source(t, store)
	tracer := source.Provider("gateway", "").Tracer("axion")
	ctx, root := tracer.Start(t.Context(), "GET shop", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.Int("n", 7)))
	_, child := source.Provider("bus", "2").Tracer("axion").Start(ctx, "publish X")
	child.AddEvent("noted", trace.WithAttributes(attribute.String("k", "v")))
	child.RecordError(errors.New("no broker"))
	child.SetStatus(codes.Error, "no broker")
	child.End()
	root.End()
	id := root.SpanContext().TraceID().String()
	spans := store.Trace(id)
	if len(spans) != 2 || spans[0].Name != "GET shop" || spans[0].Kind != "server" || spans[0].Service != "gateway" ||
		spans[0].ParentID != "" ||
		fmt.Sprint(spans[0].Attributes) != "map[n:7]" {
		t.Fatalf("got %+v", spans)
	}
	if s := spans[1]; s.ParentID != spans[0].SpanID || s.Error != "no broker" || s.Kind != "internal" || s.Instance != "2" ||
		len(s.Events) != 2 || s.Events[0].Attributes["k"] != "v" {
		t.Errorf("got %+v", s)
	}
	list := store.List(telemetry.Filter{}, 10)
	if len(list) != 1 || list[0].Root != "GET shop" || list[0].Errors != 1 || !slices.Equal(list[0].Services, []string{"bus", "gateway"}) {
		t.Errorf("got %+v", list)
	}
	if store.Trace("none") != nil {
		t.Error("a trace that is not there")
	}
}

// TestSampler records no more traces than it should, and those whole.
func TestSampler(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	tracer := source(t, store).Provider("x", "").Tracer("axion")
	recorded := 0
	began := time.Now()
	for range 5000 {
		ctx, span := tracer.Start(t.Context(), "root")
		_, child := tracer.Start(ctx, "child")
		if span.IsRecording() != child.IsRecording() {
			t.Fatal("a part of a trace is recorded")
		}
		if span.IsRecording() {
			recorded++
		}
		child.End()
		span.End()
	}
	seconds := int(time.Since(began)/time.Second) + 2
	if recorded == 0 || recorded > 200*seconds {
		t.Errorf("recorded %d in at most %d s", recorded, seconds)
	}
	if got := store.Stats(); got.Skipped != int64(5000-recorded) || got.Spans != 2*recorded {
		t.Errorf("got %+v of %d", got, recorded)
	}
	// A parent elsewhere decides.
	parent := trace.NewSpanContext(
		trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, Remote: true})
	if _, span := tracer.Start(trace.ContextWithSpanContext(t.Context(), parent), "x"); !span.IsRecording() {
		t.Error("a sampled parent is not followed")
	}
	if _, span := tracer.Start(trace.ContextWithSpanContext(t.Context(), parent.WithTraceFlags(0)), "x"); span.IsRecording() {
		t.Error("a parent that is not sampled is not followed")
	}
}

func span(traceID, id string) telemetry.Span {
	now := time.Now()
	return telemetry.Span{TraceID: traceID, SpanID: id, Name: "s", Service: "svc", Start: now, End: now.Add(time.Millisecond)}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	t.Run("OK/count", func(t *testing.T) {
		t.Parallel()
		store := telemetry.New()
		for i := range 60_000 {
			store.Add(span(fmt.Sprint(i), "1"))
		}
		if got := store.Stats(); got.Spans != 50_000 || got.Traces != 50_000 || got.Dropped != 10_000 {
			t.Errorf("got %+v", got)
		}
		if store.Trace("9999") != nil || store.Trace("10000") == nil || store.Trace("59999") == nil {
			t.Error("not the oldest went")
		}
	})
	t.Run("OK/bytes", func(t *testing.T) {
		t.Parallel()
		store := telemetry.New()
		large := span("", "1")
		large.Attributes = map[string]any{"text": strings.Repeat("x", 1<<20)}
		for i := range 100 {
			large.TraceID = fmt.Sprint(i)
			store.Add(large)
		}
		if got := store.Stats(); got.Bytes > 64<<20 || got.Traces < 60 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("OK/trace", func(t *testing.T) {
		t.Parallel()
		store := telemetry.New()
		store.Add(span("other", "1"))
		for i := range 3000 {
			store.Add(span("loop", fmt.Sprint(i)))
		}
		if got := store.Stats(); len(store.Trace("loop")) != 2000 || got.Dropped != 1000 || store.Trace("other") == nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestFilter(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	failed := span("a", "1")
	failed.Error, failed.Attributes = "no", map[string]any{"project": "Tea"}
	slow := span("b", "1")
	slow.Service, slow.End = "graph-service", slow.Start.Add(time.Second)
	store.Add(failed, slow)
	for name, tt := range map[string]struct {
		filter telemetry.Filter
		want   string
	}{
		"OK/all":     {telemetry.Filter{}, "[b a]"},
		"OK/text":    {telemetry.Filter{Text: "tEA"}, "[a]"},
		"OK/none":    {telemetry.Filter{Text: "coffee"}, "[]"},
		"OK/service": {telemetry.Filter{Service: "graph-service"}, "[b]"},
		"OK/errors":  {telemetry.Filter{Errors: true}, "[a]"},
		"OK/slower":  {telemetry.Filter{Slower: 100 * time.Millisecond}, "[b]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := []string{}
			for _, s := range store.List(tt.filter, 10) {
				ids = append(ids, s.TraceID)
			}
			if got := fmt.Sprint(ids); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if got := store.List(telemetry.Filter{}, 1); len(got) != 1 || got[0].TraceID != "b" {
		t.Errorf("limit: got %+v", got)
	}
}

// source makes spans into a store alone.
func source(t *testing.T, store *telemetry.Store) *telemetry.Tracing {
	t.Helper()
	s, err := telemetry.NewTracing(t.Context(), store, &store.Logs, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
