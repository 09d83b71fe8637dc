package host_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"axion/services/contract"
	"axion/services/host/hosttest"
)

// TestMetrics counts requests by method, route and status.
func TestMetrics(t *testing.T) {
	t.Parallel()
	o := hosttest.Options(t, hosttest.Cluster(t), t.TempDir())
	reader := sdkmetric.NewManualReader()
	o.Tracer = sdktrace.NewTracerProvider()
	o.Metrics = func(service, instance string) (metric.MeterProvider, http.Handler) {
		if service != contract.Graph || instance != o.Listener.Addr().String() {
			t.Errorf("metrics of: got %s %s", service, instance)
		}
		return sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("as told"))
		})
	}
	h := hosttest.Start(t, newHost(t, o), nil)
	do := func(method, path string, want int) string {
		t.Helper()
		res := hosttest.Do(t, method, h.URL+path, "")
		if res.Status != want {
			t.Errorf("%s %s: got %d, want %d", method, path, res.Status, want)
		}
		return res.Body
	}
	for range 2 {
		do(http.MethodGet, "/health", http.StatusOK)
	}
	do(http.MethodGet, "/nothing/there", http.StatusNotFound)
	do(http.MethodGet, "/fail", http.StatusInternalServerError)
	do("BREW", "/health", http.StatusMethodNotAllowed)
	if got := do(http.MethodGet, "/metrics", http.StatusOK); !strings.Contains(got, "as told") {
		t.Errorf("/metrics: got %s", got)
	}
	got, names := map[string]uint64{}, map[string]bool{}
	// left out when the database is busy
	for deadline := time.Now().Add(hosttest.Deadline); !names["axion.outbox.pending"] && time.Now().Before(deadline); {
		var read metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &read); err != nil {
			t.Fatal(err)
		}
		for _, scope := range read.ScopeMetrics {
			for _, m := range scope.Metrics {
				names[m.Name] = true
				if data, ok := m.Data.(metricdata.Histogram[float64]); ok && m.Name == "http.server.request.duration" {
					for _, p := range data.DataPoints {
						got[p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Count
					}
				}
			}
		}
	}
	want := map[string]uint64{
		"http.request.method=GET,http.response.status_code=200,http.route=/health": 2, "http.request.method=GET,http.response.status_code=404": 1,
		"error.type=500,http.request.method=GET,http.response.status_code=500,http.route=/fail": 1,
		"http.request.method=_OTHER,http.response.status_code=405":                              1,
		"http.request.method=GET,http.response.status_code=200,http.route=/metrics":             1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("requests: got %v, want %v", got, want)
	}
	for _, name := range []string{"db.client.connection.count", "db.client.connection.max", "axion.outbox.pending"} {
		if !names[name] {
			t.Errorf("%s is not told", name)
		}
	}
}
