package bus

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"axion/services/contract"
)

// BenchmarkRequest measures a request and its answer over a real broker, 200
// bytes of JSON each way, for one caller and for 64.
func BenchmarkRequest(b *testing.B) {
	brokers := startCluster(b).ListenAddrs()
	quiet := func(o *Options) { o.Log = slog.New(slog.DiscardHandler) }
	server, client := openBus(b, brokers, "server", quiet), openBus(b, brokers, "client", quiet)
	server.Handle("ECHO", func(_ context.Context, m *Message) (any, error) { return m.Data, nil })
	runBus(b, server)
	in := question{strings.Repeat("x", 200-len(`{"text":""}`))}
	ask := func() {
		var out question
		err := client.Request(context.Background(), Call{
			Topic: contract.Topic("server"), Service: "server", Type: "ECHO", In: in, Out: &out,
		})
		if err != nil || out != in {
			b.Errorf("got %v, %v", out, err)
		}
	}
	b.Run("1", func(b *testing.B) {
		for b.Loop() {
			ask()
		}
	})
	b.Run("64", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				ask()
			}
		})
	})
}

// BenchmarkOutbox measures events from the commit to their handler, many keys
// at once.
func BenchmarkOutbox(b *testing.B) {
	brokers := startCluster(b).ListenAddrs()
	quiet := func(o *Options) { o.Log = slog.New(slog.DiscardHandler) }
	svc, db := openBus(b, brokers, "svc", quiet), openDB(b)
	var handled atomic.Int64
	svc.Handle("T", func(context.Context, *Message) (any, error) { handled.Add(1); return nil, nil })
	runBus(b, svc)
	relay(b, svc, db)
	n := int64(0)
	for b.Loop() {
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := svc.Enqueue(context.Background(), tx, Event{Type: "T", Topic: "axion.svc", Data: n}); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		svc.Flush()
		n++
	}
	eventually(b, "all handled", func() bool { return handled.Load() >= n })
}
