package broker

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkProduce writes records of a size as fast as one client can.
func BenchmarkProduce(b *testing.B) {
	for _, size := range []int{200, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			br, err := Start(b.Context(), Options{
				Listener: listen(b, "127.0.0.1"), Dir: b.TempDir(), Topics: []string{"a"}, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = br.Close() }()
			client, err := kgo.NewClient(kgo.SeedBrokers(br.Addr()), kgo.DefaultProduceTopic("a"), kgo.DisableIdempotentWrite(),
				kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.RequiredAcks(kgo.LeaderAck()))
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			value := bytes.Repeat([]byte("x"), size)
			b.SetBytes(int64(size))
			for b.Loop() {
				client.Produce(b.Context(), &kgo.Record{Value: value}, nil)
			}
			if err := client.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
