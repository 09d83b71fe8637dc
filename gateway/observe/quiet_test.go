package observe_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"axion/gateway/config"
	"axion/gateway/observe"
)

// A router's observability switches off what is reported of its requests.
func TestObservability(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, tt := range map[string]struct {
		config              *config.Observability
		line, counted, span bool
	}{
		"OKUnset":         {nil, true, true, true},
		"OKOn":            {&config.Observability{AccessLogs: &yes, Metrics: &yes, Tracing: &yes}, true, true, true},
		"OKNoAccessLogs":  {&config.Observability{AccessLogs: &no}, false, true, true},
		"OKNoMetrics":     {&config.Observability{Metrics: &no}, true, false, true},
		"OKNoTracing":     {&config.Observability{Tracing: &no}, true, true, false},
		"OKNothingOfThem": {&config.Observability{AccessLogs: &no, Metrics: &no, Tracing: &no}, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			spans := tracetest.NewSpanRecorder()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
			o := observe.New(observe.Options{Output: &out, Tracer: provider})
			if err := o.Apply(&config.Static{AccessLog: &config.AccessLog{}}); err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "http://a/", nil)
			e := o.Begin(httptest.NewRecorder(), r, "web")
			e.SetRoute("shop@docker", "shop@docker", tt.config)
			e.Trace(r)
			teapot(e, r)
			e.End()
			w := httptest.NewRecorder()
			o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			line, counted, span := out.Len() > 0, strings.Contains(w.Body.String(), `service="shop@docker"`), len(spans.Ended()) > 0
			if line != tt.line || counted != tt.counted || span != tt.span {
				t.Errorf("got line %t, count %t, span %t; want %t, %t, %t", line, counted, span, tt.line, tt.counted, tt.span)
			}
		})
	}
}
