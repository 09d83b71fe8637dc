package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
)

// exporter sends spans where OpenTelemetry's variables say: OTEL_EXPORTER_OTLP_ENDPOINT
// and those that go with it, such as OTEL_EXPORTER_OTLP_PROTOCOL and _HEADERS, or
// the same of _TRACES_. It is nil where there is no endpoint. What cannot be sent is
// dropped: nothing waits for a collector. See [NewTracing] for check.
func exporter(ctx context.Context, log *slog.Logger, check func(net.Conn) error) (sdktrace.SpanProcessor, error) {
	endpoint := setting("TRACES", "ENDPOINT")
	if endpoint == "" || os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	var client otlptrace.Client
	switch protocol := setting("TRACES", "PROTOCOL"); protocol {
	case "", "http/protobuf":
		client = otlptracehttp.NewClient(otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}),
			otlptracehttp.WithHTTPClient(httpClient("TRACES", check)))
	case "grpc":
		client = otlptracegrpc.NewClient(otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}),
			otlptracegrpc.WithDialOption(grpcOptions("TRACES", check)...))
	default:
		return nil, &settingError{"OTEL_EXPORTER_OTLP_PROTOCOL", protocol}
	}
	made, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("export to OTEL_EXPORTER_OTLP_ENDPOINT %s: %w", endpoint, err)
	}
	return sdktrace.NewBatchSpanProcessor(
		&silencedExporter{SpanExporter: made, exporterLog: exporterLog{what: "spans", endpoint: endpoint, log: log}}), nil
}

// setting is a variable of the exporters': that of a signal comes before that of all.
func setting(signal, name string) string {
	if value := os.Getenv("OTEL_EXPORTER_OTLP_" + signal + "_" + name); value != "" {
		return strings.TrimSpace(value)
	}
	return strings.TrimSpace(os.Getenv("OTEL_EXPORTER_OTLP_" + name))
}

// settingError is a variable of the environment with a value that cannot be.
type settingError struct{ name, value string }

func (e *settingError) Error() string { return fmt.Sprintf("%s=%s cannot be used", e.name, e.value) }

// Hint is the hint shown with the error.
func (e *settingError) Hint() string { return "set it to http/protobuf or grpc" }

// exporterLog says once that a collector is away, and once that it is back.
type exporterLog struct {
	what, endpoint string
	log            *slog.Logger
	away           atomic.Bool
	lost           atomic.Int64
}

// note takes what became of an attempt to send n of them.
func (a *exporterLog) note(err error, n int) {
	switch {
	case err != nil:
		lost := a.lost.Add(int64(n))
		if !a.away.Swap(true) {
			a.log.Warn(a.what+" not exported; those to come are dropped until it answers", "endpoint", a.endpoint, "lost", lost, "error", err)
		}
	case a.away.Swap(false):
		a.log.Info(a.what+" exported again", "endpoint", a.endpoint, "lost", a.lost.Swap(0))
	}
}

// silencedExporter sends spans and never fails.
type silencedExporter struct {
	sdktrace.SpanExporter
	exporterLog
}

// ExportSpans implements [sdktrace.SpanExporter].
func (q *silencedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	q.note(q.SpanExporter.ExportSpans(ctx, spans), len(spans))
	return nil
}

// checkedDial connects to a collector. check looks at the connection before anything is
// sent on it, and its error is that of the attempt.
func checkedDial(check func(net.Conn) error) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 30 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := check(c); err != nil {
			_ = c.Close()
			return nil, err
		}
		return c, nil
	}
}

// needsCheck reports whether nothing else identifies the collector of a signal: with
// https its certificate does.
func needsCheck(signal string, check func(net.Conn) error) bool {
	return check != nil && !strings.HasPrefix(strings.ToLower(setting(signal, "ENDPOINT")), "https://")
}

// httpClient sends a signal over HTTP once check has let the collector be. It is nil, for
// the exporter's own, where there is nothing to check.
func httpClient(signal string, check func(net.Conn) error) *http.Client {
	if !needsCheck(signal, check) {
		return nil
	}
	timeout := 10 * time.Second // OpenTelemetry's default
	if ms, err := strconv.Atoi(setting(signal, "TIMEOUT")); err == nil && ms > 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: checkedDial(check), IdleConnTimeout: 90 * time.Second,
	}}
}

// grpcOptions are [httpClient] for gRPC.
func grpcOptions(signal string, check func(net.Conn) error) []grpc.DialOption {
	if !needsCheck(signal, check) {
		return nil
	}
	dial := checkedDial(check)
	return []grpc.DialOption{grpc.WithContextDialer(
		func(ctx context.Context, address string) (net.Conn, error) { return dial(ctx, "tcp", address) })}
}
