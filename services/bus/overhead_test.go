//go:build unix

package bus

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/message"
	"axion/services/bus/tracing"
)

// BenchmarkOverhead compares the CPU time of an event through the bus with that
// of a record with the same headers through kgo alone, both from 64 senders to a consumer group:
// medians of interleaved rounds, the broker's own time in both.
func BenchmarkOverhead(b *testing.B) {
	const rounds, senders, each = 7, 64, 300
	brokers := startCluster(b).ListenAddrs()
	var handled atomic.Int64
	svc := openBus(b, brokers, "svc", func(o *Options) { o.Log = slog.New(slog.DiscardHandler) })
	svc.Handle("T", func(context.Context, *Message) (any, error) { handled.Add(1); return nil, nil })
	runBus(b, svc)
	makeTopics(b, svc, "raw.events")
	consumer := rawClient(b, brokers, kgo.ConsumerGroup("raw"), kgo.ConsumeTopics("raw.events"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	producer := rawClient(b, brokers)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	b.Cleanup(func() { cancel(); running.Wait() })
	running.Go(func() {
		for ctx.Err() == nil {
			consumer.PollFetches(ctx).EachRecord(func(*kgo.Record) { handled.Add(1) })
		}
	})
	round := func(send func() error) time.Duration {
		handled.Store(0)
		before := cpuTime(b)
		var sending sync.WaitGroup
		for range senders {
			sending.Go(func() {
				for range each {
					if err := send(); err != nil {
						b.Error(err)
					}
				}
			})
		}
		sending.Wait()
		eventually(b, "all handled", func() bool { return handled.Load() == senders*each })
		return cpuTime(b) - before
	}
	byBus := func() error {
		return svc.Publish(ctx, Event{Type: "T", Topic: "axion.svc", Data: json.RawMessage(payload)})
	}
	headers := svc.conn.EventRecord(&Event{ID: uuid.NewString(), Type: "T", Time: time.Now()}, nil).Headers
	headers = tracing.Inject(ctx, headers)
	headers = append(headers, kgo.RecordHeader{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")})
	byKgo := func() error {
		return producer.ProduceSync(ctx,
			&kgo.Record{Topic: "raw.events", Partition: message.AnyPartition, Value: payload, Headers: headers}).FirstErr()
	}
	round(byBus)
	round(byKgo)
	var bus, raw []time.Duration
	for b.Loop() {
		for range rounds {
			bus, raw = append(bus, round(byBus)), append(raw, round(byKgo))
		}
	}
	slices.Sort(bus)
	slices.Sort(raw)
	micros := func(all []time.Duration) float64 { return all[len(all)/2].Seconds() * 1e6 / (senders * each) }
	b.ReportMetric(micros(bus), "bus-cpu-µs/event")
	b.ReportMetric(micros(raw), "kgo-cpu-µs/event")
	b.ReportMetric(micros(bus)/micros(raw), "ratio")
}

// cpuTime is what the process has used, in user and system mode.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
