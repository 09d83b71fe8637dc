package bus

import (
	"context"
	"errors"
	"maps"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"axion/services/contract"
)

// counts are how often what was counted, by instrument, topic and error.
func counts(t *testing.T, reader sdkmetric.Reader) map[string]int64 {
	t.Helper()
	var read metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &read); err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	add := func(name string, of attribute.Set, n int64) {
		topic, _ := of.Value("messaging.destination.name")
		failed, _ := of.Value("error.type")
		all[name+" "+topic.AsString()+" "+failed.AsString()] += n
	}
	for _, scope := range read.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(m.Name, p.Attributes, int64(p.Count))
				}
			}
		}
	}
	return all
}

// TestMetrics counts an event that fails for good after a further attempt, and a
// request with its answer.
func TestMetrics(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	readers := map[string]sdkmetric.Reader{"a": sdkmetric.NewManualReader(), "b": sdkmetric.NewManualReader()}
	measured := func(o *Options) {
		o.Meter, o.Retry.Attempts = sdkmetric.NewMeterProvider(sdkmetric.WithReader(readers[o.Service])), 2
	}
	a, b := openBus(t, brokers, "a", measured), openBus(t, brokers, "b", measured)
	b.Handle("EVENT", func(context.Context, *Message) (any, error) { return nil, errors.New("no") })
	b.Handle("REQUEST", func(context.Context, *Message) (any, error) { return "yes", nil })
	stop := runBus(t, b)
	if err := a.Publish(testContext(t), Event{Type: "EVENT", Topic: contract.Topic("b"), Key: "k"}); err != nil {
		t.Fatal(err)
	}
	var answer string
	if err := a.Request(testContext(t), Call{Topic: contract.Topic("b"), Type: "REQUEST", Key: "k", Out: &answer}); err != nil ||
		answer != "yes" {
		t.Fatalf("got %q, %v", answer, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]map[string]int64{
		"a": {
			"messaging.client.sent.messages axion.b ": 2, "messaging.client.consumed.messages axion.a.reply ": 1,
			"messaging.client.operation.duration axion.b ": 1,
		},
		"b": {
			"messaging.client.consumed.messages axion.b ": 2, "messaging.process.duration axion.b ": 1,
			"messaging.process.duration axion.b _OTHER": 1,
			"axion.bus.retried.messages axion.b ":       1, "axion.bus.dead_lettered.messages axion.b ": 1,
			"messaging.client.sent.messages axion.b.dlq ": 1, "messaging.client.sent.messages axion.a.reply ": 1,
		},
	} {
		if got := counts(t, readers[service]); !maps.Equal(got, want) {
			t.Errorf("%s: got %v\nwant %v", service, got, want)
		}
	}
}
