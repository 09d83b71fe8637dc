package observe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"axion/gateway/config"
	"axion/gateway/observe"
)

// traced adds the trace that a line is of.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(slog.String("trace_id", trace.SpanContextFromContext(ctx).TraceID().String()))
	return h.Handler.Handle(ctx, r)
}

// fail has a request of a service answered with a status.
func fail(o *observe.Observer, service, url string, status int, quiet *config.Observability) {
	r := httptest.NewRequest(http.MethodPost, url, nil)
	if r.URL.Scheme == "https" {
		r.TLS = new(tls.ConnectionState)
	}
	r.RequestURI = r.URL.RequestURI()
	e := o.Begin(httptest.NewRecorder(), r, "web")
	e.SetRoute(service, service, quiet)
	e.Trace(r)
	e.WriteHeader(status)
	e.End()
}

// TestFailed: a request that failed is logged in its trace, so many in a time, and no other.
func TestFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		o := observe.New(observe.Options{Log: slog.New(traced{slog.NewTextHandler(&out, nil)}), Tracer: sdktrace.NewTracerProvider()})
		no := false
		fail(o, "orders@docker", "https://tea.localhost:8443/orders?token=secret", http.StatusBadGateway, nil)
		fail(o, "orders@docker", "http://tea.localhost/missing", http.StatusNotFound, nil)
		fail(o, "dashboard@internal", "http://tea.localhost/", http.StatusServiceUnavailable, nil)
		fail(o, "", "http://tea.localhost/", http.StatusServiceUnavailable, nil)
		fail(o, "orders@docker", "http://tea.localhost/", http.StatusServiceUnavailable, &config.Observability{AccessLogs: &no})
		text := out.String()
		want := `"502 Bad Gateway: POST https://tea.localhost:8443/orders" service=orders trace_id=`
		const none = "trace_id=00000000000000000000000000000000"
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, want) || strings.Contains(text, none) {
			t.Fatalf("got %s", text)
		}
		for range 20 {
			fail(o, "orders@docker", "http://tea.localhost/orders", http.StatusInternalServerError, nil)
		}
		if n := strings.Count(out.String(), "\n"); n != 5 {
			t.Errorf("got %d lines of 21 failures", n)
		}
		time.Sleep(time.Second)
		fail(o, "orders@docker", "http://tea.localhost/orders", http.StatusInternalServerError, nil)
		if !strings.Contains(out.String(), "failed_besides=16") {
			t.Errorf("what was left out is not counted: %s", out.String())
		}
	})
}
