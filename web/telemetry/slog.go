package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	oteltrace "go.opentelemetry.io/otel/trace"
)

// Handler is a [slog.Handler] that keeps what it is given in l, and passes it on
// to next with the ids of the trace and the span that the context is of. The
// attribute "service" names who writes, and "instance" which of several; without
// one it is service.
func (l *Logs) Handler(next slog.Handler, service string) slog.Handler {
	return &handler{logs: l, next: next, service: service}
}

type handler struct {
	logs              *Logs
	next              slog.Handler
	service, instance string
	group             string // of the attributes to come, with a dot at its end
	attributes        []slog.Attr
}

// Enabled implements [slog.Handler]: what next does not want is not kept either.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	line := Log{
		Time: r.Time.UTC(), Level: levelOf(r.Level), severity: r.Level, Service: h.service, Instance: h.instance,
		Message: cut(r.Message, maxText), Attributes: make(map[string]any, len(h.attributes)+r.NumAttrs()),
	}
	for _, a := range h.attributes {
		put(line.Attributes, "", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		switch h.group + a.Key {
		case serviceKey:
			line.Service = a.Value.String()
		case instanceKey:
			line.Instance = a.Value.String()
		default:
			put(line.Attributes, h.group, a)
		}
		return true
	})
	if span := oteltrace.SpanContextFromContext(ctx); span.IsValid() {
		line.TraceID, line.SpanID = span.TraceID().String(), span.SpanID().String()
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", line.TraceID), slog.String("span_id", line.SpanID))
	}
	h.logs.Add(line)
	if export := h.logs.export.Load(); export != nil {
		export.send(ctx, &line)
	}
	return h.next.Handle(ctx, r)
}

// What the attributes are named that say who writes.
const (
	serviceKey  = "service"
	instanceKey = "instance"
)

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	more := *h
	more.next = h.next.WithAttrs(attributes)
	more.attributes = h.attributes[:len(h.attributes):len(h.attributes)]
	for _, a := range attributes {
		switch h.group + a.Key {
		case serviceKey:
			more.service = a.Value.String()
		case instanceKey:
			more.instance = a.Value.String()
		default:
			a.Key = h.group + a.Key
			more.attributes = append(more.attributes, a)
		}
	}
	return &more
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	more := *h
	more.next = h.next.WithGroup(name)
	more.group += name + "."
	return &more
}

// put adds an attribute as JSON can have it, those of a group one by one.
func put(to map[string]any, group string, a slog.Attr) {
	value := a.Value.Resolve()
	switch value.Kind() {
	case slog.KindGroup:
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range value.Group() {
			put(to, group, inner)
		}
	case slog.KindFloat64:
		to[group+a.Key] = finite(value.Float64())
	case slog.KindBool, slog.KindInt64, slog.KindUint64:
		to[group+a.Key] = value.Any()
	case slog.KindTime:
		to[group+a.Key] = value.Time().UTC().Format(time.RFC3339Nano)
	case slog.KindAny:
		to[group+a.Key] = cut(fmt.Sprint(value.Any()), maxText)
	default:
		to[group+a.Key] = cut(value.String(), maxText)
	}
}
