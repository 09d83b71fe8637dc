package broker

import (
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestMeasure reads what a topic holds and how far a group has come.
func TestMeasure(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	reader := sdkmetric.NewManualReader()
	if err := b.Admin().Measure(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))); err != nil {
		t.Fatal(err)
	}
	producer := client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(t, producer, "a", 3, 5)
	consumer := client(t, b, kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
	consume(t, consumer, 15)
	if err := consumer.CommitUncommittedOffsets(testContext(t)); err != nil {
		t.Fatal(err)
	}
	produce(t, producer, "a", 2, 4)
	if err := b.cluster.DeleteRecords("a", 0, 3); err != nil {
		t.Fatal(err)
	}
	var read metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &read); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range read.ScopeMetrics {
		for _, m := range scope.Metrics {
			var points []metricdata.DataPoint[int64]
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				points = data.DataPoints
			case metricdata.Sum[int64]:
				points = data.DataPoints
			}
			for _, p := range points {
				got[m.Name] += p.Value
			}
		}
	}
	if got["kafka.topic.size"] == 0 {
		t.Error("the topic takes no bytes")
	}
	delete(got, "kafka.topic.size")
	want := map[string]int64{
		"kafka.topic.partitions": 3, "kafka.topic.messages": 23, "kafka.topic.kept": 20,
		"kafka.consumer_group.members": 1, "kafka.consumer_group.lag_sum": 8, "kafka.consumer_group.offset_sum": 15,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
