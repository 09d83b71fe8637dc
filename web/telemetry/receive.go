package telemetry

import (
	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// signal is one of OTLP's three kinds of telemetry.
type signal struct {
	request func() proto.Message
	// take keeps what a request brings, and gives the answer to it.
	take func(*Store, proto.Message) proto.Message
}

// signals by the last part of their paths.
var signals = map[string]signal{
	"traces": {
		func() proto.Message { return &collector.ExportTraceServiceRequest{} },
		func(s *Store, m proto.Message) proto.Message {
			return s.takeSpans(m.(*collector.ExportTraceServiceRequest))
		},
	},
	"logs": {
		func() proto.Message { return &collectorlogs.ExportLogsServiceRequest{} },
		func(s *Store, m proto.Message) proto.Message {
			return s.takeLogs(m.(*collectorlogs.ExportLogsServiceRequest))
		},
	},
	"metrics": { // accepted, so that an SDK has nothing to complain of, and dropped
		func() proto.Message { return &collectormetrics.ExportMetricsServiceRequest{} },
		func(*Store, proto.Message) proto.Message { return &collectormetrics.ExportMetricsServiceResponse{} },
	},
}

// takeSpans keeps the spans that can be kept: those with ids, in traces with room.
func (s *Store) takeSpans(req *collector.ExportTraceServiceRequest) *collector.ExportTraceServiceResponse {
	refused := 0
	for _, r := range req.GetResourceSpans() {
		from := senderOf(r.GetResource())
		if from.self {
			continue
		}
		var spans []Span
		for _, scope := range r.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				if len(span.GetTraceId()) == 16 && len(span.GetSpanId()) == 8 {
					spans = append(spans, spanOf(from, span))
				} else {
					refused++
				}
			}
		}
		refused += s.Add(spans...)
	}
	if refused == 0 {
		return &collector.ExportTraceServiceResponse{}
	}
	return &collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{
		RejectedSpans: int64(refused), ErrorMessage: "spans without ids, or of traces with too many spans",
	}}
}

func (s *Store) takeLogs(req *collectorlogs.ExportLogsServiceRequest) *collectorlogs.ExportLogsServiceResponse {
	for _, r := range req.GetResourceLogs() {
		from := senderOf(r.GetResource())
		if from.self {
			continue
		}
		var lines []Log
		for _, scope := range r.GetScopeLogs() {
			for _, record := range scope.GetLogRecords() {
				lines = append(lines, logOf(from, record))
			}
		}
		s.Logs.Add(lines...)
	}
	return &collectorlogs.ExportLogsServiceResponse{}
}
