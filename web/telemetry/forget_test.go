package telemetry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// part counts who reads it.
type part struct{ gathered, scraped int }

func (p *part) Gather() ([]*dto.MetricFamily, error) { p.gathered++; return nil, nil }
func (p *part) Scrape() ([]*dto.MetricFamily, error) { p.scraped++; return nil, nil }

// TestScrape distinguishes readers that keep what they read from those that do not.
func TestScrape(t *testing.T) {
	t.Parallel()
	var m Metrics
	p, other := &part{}, prometheus.NewRegistry()
	other.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "other_total"}))
	m.Add(p)
	m.Add(other)
	if families, err := m.Gather(); err != nil || len(families) != 1 {
		t.Errorf("got %v, %v", families, err)
	}
	for range 2 {
		w := httptest.NewRecorder()
		Handler(&m).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if !strings.Contains(w.Body.String(), "other_total 0") {
			t.Errorf("got %s", w.Body)
		}
	}
	if p.gathered != 1 || p.scraped != 2 {
		t.Errorf("got %+v, want it gathered once and scraped twice", p)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	var m Metrics
	provider, handler := m.Provider("axion", "")
	h, err := provider.Meter("test").Float64Histogram("took", metric.WithUnit("s"))
	if err != nil {
		t.Fatal(err)
	}
	record := func(router string) {
		h.Record(t.Context(), 1, metric.WithAttributes(attribute.String("router", router)))
	}
	read := func() string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	record("goes")
	record("stays")
	h.(interface {
		Forget(func(attribute.Set) bool)
	}).Forget(func(set attribute.Set) bool {
		v, _ := set.Value("router")
		return v.AsString() == "goes"
	})
	record("stays")
	if text := read(); strings.Contains(text, "goes") || !strings.Contains(text, `router="stays",service_name="axion"} 2`) {
		t.Errorf("got %s", text)
	}
	record("goes")
	if text := read(); !strings.Contains(text, `took_seconds_count{router="goes",service_name="axion"} 1`) {
		t.Errorf("got %s", text)
	}
}
