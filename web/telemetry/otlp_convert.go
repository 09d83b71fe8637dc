package telemetry

import (
	"encoding/hex"
	"log/slog"
	"math"
	"strconv"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
)

// sender is who sends telemetry, by its resource.
type sender struct {
	service, instance string
	self              bool // it is this process, whose own telemetry is kept already
}

func senderOf(r *resource.Resource) sender {
	from := sender{service: "unknown"}
	for _, a := range r.GetAttributes() {
		switch value := a.GetValue().GetStringValue(); a.GetKey() {
		case "service.name":
			if value != "" {
				from.service = cut(value, maxName)
			}
		case "service.instance.id":
			from.instance = cut(value, maxName)
		case processKey:
			from.self = value == processID
		}
	}
	return from
}

// maxName bounds a received name, in bytes.
const maxName = 1 << 10

var kinds = map[otlp.Span_SpanKind]string{
	otlp.Span_SPAN_KIND_SERVER: "server", otlp.Span_SPAN_KIND_CLIENT: "client",
	otlp.Span_SPAN_KIND_PRODUCER: "producer", otlp.Span_SPAN_KIND_CONSUMER: "consumer",
}

func spanOf(from sender, s *otlp.Span) Span {
	span := Span{
		TraceID: hex.EncodeToString(s.GetTraceId()), SpanID: hex.EncodeToString(s.GetSpanId()), ParentID: hex.EncodeToString(s.GetParentSpanId()),
		Name: cut(s.GetName(), maxName), Kind: kinds[s.GetKind()], Service: from.service, Instance: from.instance,
		Start: at(s.GetStartTimeUnixNano()), End: at(s.GetEndTimeUnixNano()), Attributes: attributesOf(s.GetAttributes()),
		Events: []SpanEvent{}, Links: []SpanLink{},
	}
	if span.Kind == "" {
		span.Kind = "internal"
	}
	if s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR {
		if span.Error = cut(s.GetStatus().GetMessage(), maxText); span.Error == "" {
			span.Error = "error"
		}
	}
	for _, e := range first(s.GetEvents()) {
		span.Events = append(span.Events, SpanEvent{cut(e.GetName(), maxName), at(e.GetTimeUnixNano()), attributesOf(e.GetAttributes())})
	}
	for _, l := range first(s.GetLinks()) {
		span.Links = append(span.Links, SpanLink{hex.EncodeToString(l.GetTraceId()), hex.EncodeToString(l.GetSpanId())})
	}
	return span
}

func at(nanos uint64) time.Time { return time.Unix(0, int64(nanos)).UTC() }

// maxEach bounds the attributes, events and links of a received span, and the
// attributes of each event: it is what OpenTelemetry's SDKs send at most.
const maxEach = 128

// first gives those of a list that are kept.
func first[T any](list []T) []T { return list[:min(len(list), maxEach)] }

func attributesOf(list []*common.KeyValue) map[string]any {
	list = first(list)
	all := make(map[string]any, len(list))
	left := maxNodes
	for _, a := range list {
		all[cut(a.GetKey(), maxName)] = valueOf(a.GetValue(), 0, &left)
	}
	return all
}

const (
	// maxDepth bounds how deep an attribute's value may be nested.
	maxDepth = 8
	// maxNodes bounds the values in all attributes of a thing, with those in them.
	maxNodes = 1_000
)

// valueOf gives an attribute's value; left is how many values may still be made.
func valueOf(v *common.AnyValue, depth int, left *int) any {
	*left--
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_BoolValue:
		return v.BoolValue
	case *common.AnyValue_IntValue:
		return v.IntValue
	case *common.AnyValue_DoubleValue:
		return finite(v.DoubleValue)
	case *common.AnyValue_BytesValue:
		return v.BytesValue
	case *common.AnyValue_ArrayValue:
		all := []any{}
		for _, item := range v.ArrayValue.GetValues() {
			if depth == maxDepth || *left <= 0 {
				break
			}
			all = append(all, valueOf(item, depth+1, left))
		}
		return all
	case *common.AnyValue_KvlistValue:
		all := map[string]any{}
		for _, item := range v.KvlistValue.GetValues() {
			if depth == maxDepth || *left <= 0 {
				break
			}
			all[cut(item.GetKey(), maxName)] = valueOf(item.GetValue(), depth+1, left)
		}
		return all
	}
	return nil
}

// finite gives a number as JSON can have it: infinities and what is no number as
// text.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return f
}

// severities are the lowest numbers of the levels, by OpenTelemetry's log model.
var severities = []struct {
	from  logs.SeverityNumber
	level slog.Level
}{
	{logs.SeverityNumber_SEVERITY_NUMBER_ERROR, slog.LevelError},
	{logs.SeverityNumber_SEVERITY_NUMBER_WARN, slog.LevelWarn},
	{logs.SeverityNumber_SEVERITY_NUMBER_INFO, slog.LevelInfo},
	{logs.SeverityNumber_SEVERITY_NUMBER_TRACE, slog.LevelDebug},
}

func logOf(from sender, r *logs.LogRecord) Log {
	line := Log{
		Time: at(r.GetTimeUnixNano()), Service: from.service, Instance: from.instance, Attributes: attributesOf(r.GetAttributes()),
		severity: slog.LevelInfo, // a record without a severity
	}
	if r.GetTimeUnixNano() == 0 {
		line.Time = at(r.GetObservedTimeUnixNano())
	}
	for _, s := range severities {
		if r.GetSeverityNumber() >= s.from {
			line.severity = s.level
			break
		}
	}
	line.Level = levelOf(line.severity)
	left := maxNodes
	body := valueOf(r.GetBody(), 0, &left)
	if text, ok := body.(string); ok {
		line.Message = cut(text, maxText)
	} else if body != nil {
		line.Message, line.Attributes["body"] = cut(r.GetEventName(), maxName), body
	}
	if len(r.GetTraceId()) == 16 && len(r.GetSpanId()) == 8 {
		line.TraceID, line.SpanID = hex.EncodeToString(r.GetTraceId()), hex.EncodeToString(r.GetSpanId())
	}
	return line
}
