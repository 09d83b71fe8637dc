package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"axion/web/telemetry"
)

// traced is a context's span, as a request's log lines have it.
var traced = trace.NewSpanContext(
	trace.SpanContextConfig{TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd}, TraceFlags: trace.FlagsSampled})

func TestHandler(t *testing.T) {
	t.Parallel()
	var logs telemetry.Logs
	var out bytes.Buffer
	log := slog.New(logs.Handler(slog.NewTextHandler(&out, nil), "axion"))
	log.Debug("not wanted")
	service := log.With("service", "graph-service", "instance", "127.0.0.1:1")
	service.WithGroup("request").With("id", 7).WarnContext(trace.ContextWithSpanContext(t.Context(), traced), "refused",
		"error", errors.New("no"), slog.Group("peer", "port", 80), "after", time.Second)
	log.Info("ready")
	lines, last, leftOut, _ := logs.List(telemetry.LogFilter{}, 10)
	if len(lines) != 2 || last != 2 || leftOut != 0 {
		t.Fatalf("got %d lines to %d, %d left out: %+v", len(lines), last, leftOut, lines)
	}
	got := lines[0]
	want := "map[request.after:1s request.error:no request.id:7 request.peer.port:80]"
	if got.Service != "graph-service" || got.Instance != "127.0.0.1:1" || got.Level != "warn" || got.Message != "refused" ||
		got.TraceID != traced.TraceID().String() ||
		got.SpanID != traced.SpanID().String() || fmt.Sprint(got.Attributes) != want {
		t.Errorf("got %+v, want attributes %s", got, want)
	}
	if lines[1].Service != "axion" || lines[1].TraceID != "" || lines[1].Level != "info" {
		t.Errorf("got %+v", lines[1])
	}
	text := out.String()
	if strings.Contains(text, "not wanted") || strings.Count(text, "trace_id=") != 1 ||
		!strings.Contains(text, "trace_id="+traced.TraceID().String()) {
		t.Errorf("the next handler got %s", text)
	}
}

func TestLogFilter(t *testing.T) {
	t.Parallel()
	var logs telemetry.Logs
	log := slog.New(logs.Handler(slog.NewTextHandler(&bytes.Buffer{}, nil), "axion"))
	log.Info("one", "project", "Tea")
	log.With("service", "shop").Error("two")
	log.WarnContext(trace.ContextWithSpanContext(t.Context(), traced), "three")
	for name, tt := range map[string]struct {
		filter  telemetry.LogFilter
		limit   int
		want    string
		leftOut int
	}{
		"OK/all":     {telemetry.LogFilter{}, 9, "[one two three]", 0},
		"OK/newest":  {telemetry.LogFilter{}, 2, "[two three]", 1},
		"OK/after":   {telemetry.LogFilter{After: 1}, 9, "[two three]", 0},
		"OK/level":   {telemetry.LogFilter{Level: slog.LevelWarn}, 9, "[two three]", 0},
		"OK/service": {telemetry.LogFilter{Service: "shop"}, 9, "[two]", 0},
		"OK/text":    {telemetry.LogFilter{Text: "tEA"}, 9, "[one]", 0},
		"OK/trace":   {telemetry.LogFilter{Trace: traced.TraceID().String()}, 9, "[three]", 0},
		"OK/span":    {telemetry.LogFilter{Span: traced.SpanID().String()}, 9, "[three]", 0},
		"OK/none":    {telemetry.LogFilter{Text: "four"}, 9, "[]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _, leftOut, _ := logs.List(tt.filter, tt.limit)
			messages := []string{}
			for _, l := range found {
				messages = append(messages, l.Message)
			}
			if got := fmt.Sprint(messages); got != tt.want || leftOut != tt.leftOut {
				t.Errorf("got %s and %d, want %s and %d", got, leftOut, tt.want, tt.leftOut)
			}
		})
	}
}

func TestLogBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ lines, size, atMost int }{
		"OK/count": {30_000, 1, 20_000},
		"OK/bytes": {5_000, 8 << 10, 2_100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logs telemetry.Logs
			for i := range tt.lines {
				logs.Add(telemetry.Log{Message: fmt.Sprint(i, strings.Repeat(" ", tt.size))})
			}
			stats := logs.Stats()
			if stats.Lines > tt.atMost || stats.Lines < tt.atMost/2 || stats.Bytes > 16<<20 || stats.Dropped != uint64(tt.lines-stats.Lines) {
				t.Errorf("got %+v", stats)
			}
			newest, last, _, _ := logs.List(telemetry.LogFilter{}, 1)
			if last != uint64(tt.lines) || !strings.HasPrefix(newest[0].Message, fmt.Sprint(tt.lines-1)) {
				t.Errorf("got %d, %.10s", last, newest[0].Message)
			}
		})
	}
}

// TestLogsChanged wakes who waits for more.
func TestLogsChanged(t *testing.T) {
	t.Parallel()
	var logs telemetry.Logs
	_, _, _, changed := logs.List(telemetry.LogFilter{}, 1)
	select {
	case <-changed:
		t.Fatal("changed before anything came")
	default:
	}
	logs.Add(telemetry.Log{})
	<-changed
}

// TestChanges lists which traces changed since a version.
func TestChanges(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	store.Add(span("a", "1"), span("b", "1"), span("c", "1"))
	_, version, _, changed := store.Changes(telemetry.Filter{}, 0, 10)
	store.Add(span("a", "2"))
	<-changed
	found, next, more, _ := store.Changes(telemetry.Filter{}, version, 10)
	if len(found) != 1 || found[0].TraceID != "a" || found[0].Spans != 2 || more != 0 || next <= version {
		t.Errorf("got %+v, %d more, version %d after %d", found, more, next, version)
	}
	if found, _, more, _ = store.Changes(telemetry.Filter{}, 0, 1); len(found) != 1 || found[0].TraceID != "a" || more != 2 {
		t.Errorf("got %+v and %d more", found, more)
	}
}
