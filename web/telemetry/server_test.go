package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	collectorlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"axion/web/telemetry"
)

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// receiver serves a store on free ports.
func receiver(t *testing.T, store *telemetry.Store) (overHTTP, overGRPC string) {
	t.Helper()
	h, g := listener(t), listener(t)
	r := store.Receive(h, g, nil)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return "http://" + h.Addr().String(), g.Addr().String()
}

func TestReceiveGRPC(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	_, address := receiver(t, store)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ids := [][]byte{[]byte("0123456789abcdef"), []byte("01234567")}
	answer, err := collector.NewTraceServiceClient(conn).Export(t.Context(),
		&collector.ExportTraceServiceRequest{ResourceSpans: []*otlp.ResourceSpans{{
			ScopeSpans: []*otlp.ScopeSpans{{Spans: []*otlp.Span{{TraceId: ids[0], SpanId: ids[1], Name: "GET /"}, {Name: "without ids"}}}},
		}}})
	if err != nil || answer.GetPartialSuccess().GetRejectedSpans() != 1 || store.Stats().Spans != 1 {
		t.Errorf("traces: got %v %v, %+v", answer, err, store.Stats())
	}
	_, err = collectorlogs.NewLogsServiceClient(conn).Export(t.Context(),
		&collectorlogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
			ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{{
				Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: "hello"}}, SeverityNumber: 17, TraceId: ids[0], SpanId: ids[1],
			}}}},
		}}})
	lines, _, _, _ := store.Logs.List(telemetry.LogFilter{Level: slog.LevelError}, 9)
	if err != nil || len(lines) != 1 || lines[0].Message != "hello" || lines[0].Service != "unknown" ||
		lines[0].TraceID != store.List(telemetry.Filter{}, 1)[0].TraceID {
		t.Errorf("logs: got %+v, %v", lines, err)
	}
	crowded := &otlp.Span{TraceId: ids[0], SpanId: ids[1]}
	for range 100_001 {
		crowded.Events = append(crowded.Events, &otlp.Span_Event{})
	}
	_, err = collector.NewTraceServiceClient(conn).Export(t.Context(),
		&collector.ExportTraceServiceRequest{ResourceSpans: []*otlp.ResourceSpans{{
			ScopeSpans: []*otlp.ScopeSpans{{Spans: []*otlp.Span{crowded}}},
		}}})
	if got := status.Code(err); got != codes.ResourceExhausted || store.Stats().Spans != 1 {
		t.Errorf("too many fields: got %v, %+v", err, store.Stats())
	}
	if _, err = collectormetrics.NewMetricsServiceClient(conn).Export(t.Context(),
		&collectormetrics.ExportMetricsServiceRequest{}); err != nil {
		t.Errorf("metrics: %v", err)
	}
}

// halfCall is the beginning of a call over gRPC, up to the midst of its message.
func halfCall(t *testing.T) string {
	t.Helper()
	var text, fields bytes.Buffer
	text.WriteString(http2.ClientPreface)
	headers := hpack.NewEncoder(&fields)
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", collector.TraceService_Export_FullMethodName}, {":authority", "localhost"},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		if err := headers.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	frames := http2.NewFramer(&text, nil)
	err := errors.Join(frames.WriteSettings(),
		frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fields.Bytes(), EndHeaders: true}),
		frames.WriteData(1, false, []byte{0, 0, 0, 3, 232, 10})) // 1 of 1,000 bytes
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestStalledSenders: those who send half a request and stop keep nobody waiting.
func TestStalledSenders(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	overHTTP, overGRPC := receiver(t, store)
	address := strings.TrimPrefix(overHTTP, "http://")
	stall := func(address, text string) {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	head := "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	for range 20 {
		stall(address, head+"Content-Length: 1000\r\n\r\n{\"resource")
		stall(address, head+"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\x1f\x8b\x08\r\n")
		stall(overGRPC, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		stall(overGRPC, halfCall(t))
	}
	// Shorter than a stalled request is waited for.
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 5 {
		res, err := client.Post(overHTTP+"/v1/traces", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("got %s", res.Status)
		}
	}
	conn, err := grpc.NewClient(overGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := collector.NewTraceServiceClient(conn).Export(t.Context(), &collector.ExportTraceServiceRequest{}); err != nil {
		t.Error(err)
	}
}

// TestReceiveFrom lets pages of this machine send, and no others.
func TestReceiveFrom(t *testing.T) {
	t.Parallel()
	address, _ := receiver(t, telemetry.New())
	for name, tt := range map[string]struct {
		method, host, origin string
		status               int
	}{
		"OK/program":   {"POST", "", "", 200},
		"OK/page":      {"POST", "", "https://shop.apps.localhost", 200},
		"OK/preflight": {"OPTIONS", "", "http://localhost:3000", 204},
		"ErrHost":      {"POST", "evil.example", "", 403},
		"ErrOrigin":    {"POST", "", "https://evil.example", 403},
		"ErrPreflight": {"OPTIONS", "", "https://evil.example", 403},
		"ErrMethod":    {"GET", "", "", 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), tt.method, address+"/v1/traces", strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tt.host
			r.Header.Set("Content-Type", "application/json")
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			allowed := res.Header.Get("Access-Control-Allow-Origin")
			if res.StatusCode != tt.status || (tt.origin != "" && tt.status < 300) != (allowed == tt.origin && allowed != "") {
				t.Errorf("got %s, allowed %q; want %d", res.Status, allowed, tt.status)
			}
		})
	}
}

// syncBuffer is a log's output.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestExport sends spans where OpenTelemetry's variables say, says once that nobody
// is there, and takes nothing back that is its own.
func TestExport(t *testing.T) {
	collectorStore := telemetry.New()
	overHTTP, overGRPC := receiver(t, collectorStore)
	for protocol, endpoint := range map[string]string{"http/protobuf": overHTTP, "grpc": "http://" + overGRPC} {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
		t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
		own := telemetry.New()
		s := source(t, own)
		_, made := s.Provider("shop", "1").Tracer("axion").Start(t.Context(), "GET /")
		made.End()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		// It is this process that asks and that answers: known by its id, and left out.
		if own.Stats().Spans != 1 || collectorStore.Stats().Spans != 0 {
			t.Errorf("%s: kept %+v, took back %+v", protocol, own.Stats(), collectorStore.Stats())
		}
	}
	gone := listener(t)
	_ = gone.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+gone.Addr().String())
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	var out syncBuffer
	s, err := telemetry.NewTracing(t.Context(), nil, new(telemetry.Logs), slog.New(slog.NewTextHandler(&out, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		_, made := s.Provider("shop", "").Tracer("axion").Start(t.Context(), "GET /")
		made.End()
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("close without a collector: %v", err)
	}
	if got := strings.Count(out.String(), "spans not exported"); got != 1 {
		t.Errorf("said %d times that nobody is there:\n%s", got, out.String())
	}
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke")
	if _, err := telemetry.NewTracing(t.Context(), nil, new(telemetry.Logs), nil, nil); err == nil ||
		!strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_PROTOCOL=smoke") {
		t.Errorf("got %v, want an error that names the variable", err)
	}
}
