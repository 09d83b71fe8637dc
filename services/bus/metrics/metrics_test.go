package metrics

import (
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestMetricsBound has more topics than there are labels.
func TestMetricsBound(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	m := New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), "a-server")
	for i := range maxLabels + 10 {
		m.Consumed(string(rune('a'+i%26))+string(rune('0'+i)), 1)
	}
	var read metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &read); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, p := range read.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64]).DataPoints {
		topic, _ := p.Attributes.Value("messaging.destination.name")
		got[topic.AsString()] += p.Value
	}
	if len(got) != maxLabels+1 || got[otherTopic] != 10 {
		t.Errorf("got %d sets, %d of them the others'; want %d, 10", len(got), got[otherTopic], maxLabels+1)
	}
}
