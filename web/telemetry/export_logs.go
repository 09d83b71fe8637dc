package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

// logExport sends this process's log lines to where its spans go.
type logExport struct {
	processor sdklog.Processor

	mu   sync.Mutex
	made map[[2]string]*sdklog.LoggerProvider
}

// exportLogs is [exporter] for logs; nil where there is no endpoint.
func exportLogs(ctx context.Context, log *slog.Logger, check func(net.Conn) error) (*logExport, error) {
	endpoint := setting("LOGS", "ENDPOINT")
	if endpoint == "" || os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_LOGS_EXPORTER") == "none" {
		return nil, nil
	}
	var made sdklog.Exporter
	var err error
	switch protocol := setting("LOGS", "PROTOCOL"); protocol {
	case "", "http/protobuf":
		made, err = otlploghttp.New(ctx, otlploghttp.WithRetry(otlploghttp.RetryConfig{}), otlploghttp.WithHTTPClient(httpClient("LOGS", check)))
	case "grpc":
		made, err = otlploggrpc.New(ctx, otlploggrpc.WithRetry(otlploggrpc.RetryConfig{}),
			otlploggrpc.WithDialOption(grpcOptions("LOGS", check)...))
	default:
		return nil, &settingError{"OTEL_EXPORTER_OTLP_PROTOCOL", protocol}
	}
	if err != nil {
		return nil, fmt.Errorf("export to OTEL_EXPORTER_OTLP_ENDPOINT %s: %w", endpoint, err)
	}
	quiet := &silencedLogExporter{Exporter: made, exporterLog: exporterLog{what: "log lines", endpoint: endpoint, log: log}}
	return &logExport{processor: sdklog.NewBatchProcessor(quiet), made: map[[2]string]*sdklog.LoggerProvider{}}, nil
}

// silencedLogExporter is [silencedExporter] for logs.
type silencedLogExporter struct {
	sdklog.Exporter
	exporterLog
}

// Export implements [sdklog.Exporter]. It never fails.
func (q *silencedLogExporter) Export(ctx context.Context, records []sdklog.Record) error {
	q.note(q.Exporter.Export(ctx, records), len(records))
	return nil
}

// send sends a line, with the trace that ctx is of.
func (e *logExport) send(ctx context.Context, line *Log) {
	var r otellog.Record
	r.SetTimestamp(line.Time)
	r.SetSeverity(severityOf(line.severity))
	r.SetSeverityText(line.Level)
	r.SetBody(attribute.StringValue(line.Message))
	for name, value := range line.Attributes {
		r.AddAttributes(exported(name, value))
	}
	e.provider(line.Service, line.Instance).Logger("axion").Emit(ctx, r)
}

// severityOf is a level in OpenTelemetry's numbers, of which each has four.
func severityOf(level slog.Level) otellog.Severity {
	for _, s := range severities {
		if level >= s.level {
			return otellog.Severity(s.from)
		}
	}
	return otellog.SeverityDebug
}

func exported(name string, value any) attribute.KeyValue {
	switch v := value.(type) {
	case bool:
		return attribute.Bool(name, v)
	case int64:
		return attribute.Int64(name, v)
	case float64:
		return attribute.Float64(name, v)
	case string:
		return attribute.String(name, v)
	}
	return attribute.String(name, fmt.Sprint(value))
}

func (e *logExport) provider(service, instance string) *sdklog.LoggerProvider {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := [2]string{service, instance}
	p := e.made[key]
	if p == nil {
		p = sdklog.NewLoggerProvider(sdklog.WithResource(resourceOf(service, instance)), sdklog.WithProcessor(e.processor))
		e.made[key] = p
	}
	return p
}

// close sends what is left, until ctx ends.
func (e *logExport) close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, p := range e.made {
		errs = append(errs, p.Shutdown(ctx))
	}
	return errors.Join(append(errs, e.processor.Shutdown(ctx))...)
}

// resourceOf is the part of this process that something comes from.
func resourceOf(service, instance string) *resource.Resource {
	attributes := []attribute.KeyValue{attribute.String("service.name", service), attribute.String(processKey, processID)}
	if instance != "" {
		attributes = append(attributes, attribute.String("service.instance.id", instance))
	}
	return resource.NewSchemaless(attributes...)
}
