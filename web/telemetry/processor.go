package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// processor puts each span of a service into the store when it ends.
type processor struct {
	store             *Store
	service, instance string
}

var _ sdktrace.SpanProcessor = processor{}

func (processor) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (processor) Shutdown(context.Context) error                  { return nil }
func (processor) ForceFlush(context.Context) error                { return nil }

// OnEnd keeps the span.
func (p processor) OnEnd(s sdktrace.ReadOnlySpan) { p.store.Add(p.convert(s)) }

func (p processor) convert(s sdktrace.ReadOnlySpan) Span {
	span := Span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(),
		Kind: s.SpanKind().String(), Service: p.service, Instance: p.instance,
		Start: s.StartTime().UTC(), End: s.EndTime().UTC(), Attributes: values(s.Attributes()), Events: []SpanEvent{}, Links: []SpanLink{},
	}
	if s.Parent().HasSpanID() {
		span.ParentID = s.Parent().SpanID().String()
	}
	if s.SpanKind() == oteltrace.SpanKindUnspecified {
		span.Kind = oteltrace.SpanKindInternal.String()
	}
	if s.Status().Code == codes.Error {
		span.Error = s.Status().Description
		if span.Error == "" {
			span.Error = "error"
		}
	}
	for _, e := range s.Events() {
		span.Events = append(span.Events, SpanEvent{e.Name, e.Time.UTC(), values(e.Attributes)})
	}
	if reason, ok := lastException(span.Events); ok && s.Status().Code == codes.Error && s.Status().Description == "" {
		span.Error = reason
	}
	for _, l := range s.Links() {
		span.Links = append(span.Links, SpanLink{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String()})
	}
	return span
}

// lastException is the text of the error that was recorded last.
func lastException(events []SpanEvent) (text string, found bool) {
	for _, e := range events {
		if reason, ok := e.Attributes["exception.message"].(string); ok {
			text, found = reason, true
		}
	}
	return text, found
}

func values(attributes []attribute.KeyValue) map[string]any {
	all := make(map[string]any, len(attributes))
	for _, a := range attributes {
		switch a.Value.Type() {
		case attribute.FLOAT64:
			all[string(a.Key)] = finite(a.Value.AsFloat64())
		case attribute.FLOAT64SLICE:
			list := []any{}
			for _, f := range a.Value.AsFloat64Slice() {
				list = append(list, finite(f))
			}
			all[string(a.Key)] = list
		default:
			all[string(a.Key)] = a.Value.AsInterface()
		}
	}
	return all
}
