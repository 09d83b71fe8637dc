package explorer

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker"
	"axion/broker/brokertest"
)

// filled starts a broker with a topic of n records, of about 1 KB each.
func filled(b *testing.B, n int) *broker.Broker {
	b.Helper()
	cluster := brokertest.Start(b, broker.Options{Topics: []string{"a"}, RetentionBytes: -1})
	client := brokertest.Client(b, cluster, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: "a", Partition: int32(i % 3), Value: fmt.Appendf(nil, `{"n":%d,"pad":"%01000d"}`, i, i)}
	}
	if err := client.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}
	return cluster
}

// BenchmarkRead reads the newest fifty messages, and searches 15,000 in vain, by
// text and by JSONPath.
func BenchmarkRead(b *testing.B) {
	reader := NewReader(filled(b, 15_000).Admin())
	for name, filter := range map[string]Filter{"Newest": {}, "Text": {Text: "none"}, "Path": {Path: "$.n == -1"}} {
		b.Run(name, func(b *testing.B) {
			searched := 0
			for b.Loop() {
				page, err := reader.Read(b.Context(), Query{Topic: "a", Partition: -1, Offset: -1, Filter: filter})
				if err != nil {
					b.Fatal(err)
				}
				searched += page.Searched
			}
			b.ReportMetric(float64(searched)/float64(b.N), "messages/op")
		})
	}
}

// BenchmarkTail is one look of a tail at the thousand records that a tenth of a
// second brings at 10,000 a second, with the batch that it sends.
func BenchmarkTail(b *testing.B) {
	tail := &tail{reader: NewReader(filled(b, 1000).Admin())}
	if err := tail.begin(b.Context(), map[string][]string{"topic": {"a"}, "from": {"newer,0:0,1:0,2:0"}}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for id := range tail.at.at {
			tail.at.at[id] = 0
		}
		if err := tail.poll(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := tail.send(func(any) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
