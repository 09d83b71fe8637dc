package telemetry_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/trace"
	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"axion/web/telemetry"
)

// TestExportLogs sends log lines to where spans go, with who wrote them and the
// trace that they are of.
func TestExportLogs(t *testing.T) {
	got := make(chan *collectorlogs.ExportLogsServiceRequest, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		req := new(collectorlogs.ExportLogsServiceRequest)
		if r.URL.Path != "/v1/logs" || err != nil || proto.Unmarshal(body, req) != nil {
			t.Errorf("got %d bytes at %s (%v)", len(body), r.URL.Path, err)
		}
		got <- req
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	var logs telemetry.Logs
	log := slog.New(logs.Handler(slog.NewTextHandler(io.Discard, nil), "axion"))
	source, err := telemetry.NewTracing(t.Context(), nil, &logs, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	log.With("service", "shop", "instance", "2").WarnContext(trace.ContextWithSpanContext(t.Context(), traced), "late", "n", 7)
	if err := source.Close(t.Context()); err != nil {
		t.Error(err)
	}
	resource := (<-got).GetResourceLogs()[0]
	record, id := resource.GetScopeLogs()[0].GetLogRecords()[0], traced.TraceID()
	names := map[string]string{}
	for _, a := range resource.GetResource().GetAttributes() {
		names[a.GetKey()] = a.GetValue().GetStringValue()
	}
	if names["service.name"] != "shop" || names["service.instance.id"] != "2" || record.GetBody().GetStringValue() != "late" ||
		record.GetSeverityText() != "warn" ||
		record.GetSeverityNumber() != 13 || string(record.GetTraceId()) != string(id[:]) ||
		record.GetAttributes()[0].GetValue().GetIntValue() != 7 {
		t.Errorf("got %v of %v", record, names)
	}
}
