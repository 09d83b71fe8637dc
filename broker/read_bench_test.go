package broker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// filled starts a broker with a topic of n records, of about 1 KB each.
func filled(b *testing.B, n int) *Broker {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	broker, err := Start(b.Context(), Options{Listener: listener, Dir: b.TempDir(), Topics: []string{"a"}, RetentionBytes: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = broker.Close() })
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: "a", Partition: int32(i % 3), Value: fmt.Appendf(nil, `{"n":%d,"pad":"%01000d"}`, i, i)}
	}
	if err := client.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}
	return broker
}

// BenchmarkRead reads the newest fifty messages, and searches 15,000 in vain, by
// text and by JSONPath.
func BenchmarkRead(b *testing.B) {
	broker := filled(b, 15_000)
	for name, filter := range map[string]Filter{"Newest": {}, "Text": {Text: "none"}, "Path": {Path: "$.n == -1"}} {
		b.Run(name, func(b *testing.B) {
			searched := 0
			for b.Loop() {
				page, err := broker.Admin().Read(b.Context(), Query{Topic: "a", Partition: -1, Offset: -1, Filter: filter})
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
	broker := filled(b, 1000)
	tail := &follower{admin: broker.Admin()}
	if err := tail.begin(b.Context(), map[string][]string{"topic": {"a"}, "from": {"newer,0:0,1:0,2:0"}}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for id := range tail.at.at {
			tail.at.at[id] = 0
		}
		if err := tail.look(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := tail.tell(func(any) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
