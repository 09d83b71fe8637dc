package topics

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	nometric "go.opentelemetry.io/otel/metric/noop"

	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/clustertest"
)

// TestTailGrowth reads a partition that was added.
func TestTailGrowth(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := conn.Open(conn.Options{
		Service: "svc", Brokers: clustertest.NewBroker(t).ListenAddrs(), Log: slog.New(slog.DiscardHandler), Meter: nometric.NewMeterProvider(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { c.Cancel(); c.Close() }()
	topic := New(c, "axion.feed")
	f, err := topic.newTailer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer f.client.Close()
	added, err := c.Admin.CreatePartitions(ctx, 1, "axion.feed")
	if err == nil {
		err = added.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	grown := int32(len(f.offsets))
	for n := 0; n != int(grown)+1; time.Sleep(5 * time.Millisecond) { // nothing signals it
		if n, err = topic.Partitions(ctx); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := c.Dial(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.ProduceSync(ctx, &kgo.Record{Topic: "axion.feed", Partition: grown, Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	f.checkedAt = time.Time{} // long ago
	var got *message.Message
	for got == nil && f.poll(ctx, func(_ context.Context, m *message.Message) { got = m }) {
	}
	if got == nil || got.Partition != grown {
		t.Errorf("got %+v, want a message of partition %d", got, grown)
	}
}
