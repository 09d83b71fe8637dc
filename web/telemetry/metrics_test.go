package telemetry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

func text(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("got %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func mustContain(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
}

// TestMetrics has three parts count, two of them the same thing.
func TestMetrics(t *testing.T) {
	t.Parallel()
	var m Metrics
	own := map[string]http.Handler{}
	for i, name := range []string{"graph", "codegen"} {
		provider, handler := m.Provider(name, "localhost:1")
		own[name] = handler
		took, err := provider.Meter("axion/test").Float64Histogram("http.server.request.duration", metric.WithUnit("s"))
		if err != nil {
			t.Fatal(err)
		}
		for range i + 1 {
			took.Record(t.Context(), 0.0004, metric.WithAttributes(attribute.String("http.request.method", "GET")))
		}
	}
	other := prometheus.NewRegistry()
	traefik := prometheus.NewCounter(prometheus.CounterOpts{Name: "traefik_config_reloads_total", Help: "."})
	other.MustRegister(traefik)
	m.Add(other)
	const of = `{http_request_method="GET",service_instance_id="localhost:1",service_name=`
	mustContain(t, text(t, Handler(&m)), `http_server_request_duration_seconds_count`+of+`"graph"} 1`,
		`http_server_request_duration_seconds_count`+of+`"codegen"} 2`, "traefik_config_reloads_total 0",
		`http_server_request_duration_seconds_bucket{http_request_method="GET",service_instance_id="localhost:1",service_name="codegen",le="0.00025"} 0`,
		`http_server_request_duration_seconds_bucket{http_request_method="GET",service_instance_id="localhost:1",service_name="codegen",le="0.0005"} 2`)
	alone := text(t, own["graph"])
	mustContain(t, alone, `http_server_request_duration_seconds_count`+of+`"graph"} 1`)
	if strings.Contains(alone, "codegen") || !strings.Contains(alone, "\ngo_goroutines ") ||
		!strings.Contains(alone, "\nprocess_resident_memory_bytes ") {
		t.Errorf("metrics of one part: got\n%s", alone)
	}
}

// TestManySeries: a duration with more sets of attributes than are kept is counted in
// the one for the rest, from many goroutines too, and no value is lost.
func TestManySeries(t *testing.T) {
	t.Parallel()
	var m Metrics
	provider, handler := m.Provider("gateway", "")
	took, err := provider.Meter("axion/test").Float64Histogram("took", metric.WithUnit("s"))
	if err != nil {
		t.Fatal(err)
	}
	var recording sync.WaitGroup
	for range 4 {
		recording.Go(func() {
			for i := range maxSeries + 100 {
				took.Record(t.Context(), 0.25, metric.WithAttributes(attribute.Int("n", i)))
			}
		})
	}
	recording.Wait()
	got := text(t, handler)
	mustContain(t, got, `took_seconds_count{n="0",service_name="gateway"} 4`, `took_seconds_sum{n="0",service_name="gateway"} 1`,
		fmt.Sprintf(`took_seconds_count{otel_metric_overflow="true",service_name="gateway"} %d`, 4*101))
	if n := strings.Count(got, "\ntook_seconds_count{"); n != maxSeries {
		t.Errorf("got %d series, want %d", n, maxSeries)
	}
}

// BenchmarkRecord shows what counting a request costs with a set of attributes
// that was made before.
func BenchmarkRecord(b *testing.B) {
	var m Metrics
	provider, _ := m.Provider("gateway", "")
	took, err := provider.Meter("axion/test").Float64Histogram("http.server.request.duration", metric.WithUnit("s"))
	if err != nil {
		b.Fatal(err)
	}
	options := []metric.RecordOption{metric.WithAttributeSet(
		attribute.NewSet(attribute.String("http.request.method", "GET"), attribute.Int("http.response.status_code", 200)))}
	b.ReportAllocs()
	for b.Loop() {
		took.Record(b.Context(), 0.0004, options...)
	}
}
