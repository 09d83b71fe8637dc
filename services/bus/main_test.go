package bus

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"axion/services/bus/topics"
	"axion/services/clustertest"
)

// patience bounds every wait of the tests; none is expected to take it up.
const patience = time.Minute

// victimEnv makes the test binary the process that TestCrash kills.
const victimEnv = "BUS_TEST_VICTIM"

func TestMain(m *testing.M) {
	if brokers := os.Getenv(victimEnv); brokers != "" {
		victim(strings.Split(brokers, ","))
		return
	}
	goleak.VerifyTestMain(m)
}

// startCluster starts a broker with three partitions a topic.
func startCluster(tb testing.TB, topics ...string) *clustertest.Broker {
	tb.Helper()
	return clustertest.NewBroker(tb, topics...)
}

// openBus opens a bus that is closed with the test.
func openBus(tb testing.TB, brokers []string, service string, change ...func(*Options)) *Bus {
	tb.Helper()
	o := Options{
		Service: service, Brokers: brokers, Log: testLog(tb),
		Retry: Retry{First: time.Millisecond, Max: 4 * time.Millisecond},
	}
	for _, f := range change {
		f(&o)
	}
	b, err := Open(testContext(tb), o)
	if err != nil {
		tb.Fatalf("open bus: %v", err)
	}
	tb.Cleanup(b.Close)
	return b
}

// makeTopics makes topics that a test uses before the bus does.
func makeTopics(tb testing.TB, b *Bus, names ...string) {
	tb.Helper()
	if err := topics.Ensure(testContext(tb), b.conn, names); err != nil {
		tb.Fatalf("make topics: %v", err)
	}
}

// startBus consumes until the test ends, or stop is called.
func startBus(tb testing.TB, b *Bus) (stop func() error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	return stop
}

// runBus is startBus, and waits until the bus is ready.
func runBus(tb testing.TB, b *Bus) (stop func() error) {
	tb.Helper()
	stop = startBus(tb, b)
	receive(tb, b.Ready(), "group assignment")
	return stop
}

// plainClient is a Kafka client that knows nothing of the bus; its records go
// to the partition that they name.
func plainClient(tb testing.TB, brokers []string, opts ...kgo.Opt) *kgo.Client {
	tb.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.AllowAutoTopicCreation(), kgo.ProducerLinger(0),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}, opts...)...)
	if err != nil {
		tb.Fatalf("plain client: %v", err)
	}
	tb.Cleanup(c.Close)
	return c
}

func produce(tb testing.TB, c *kgo.Client, records ...*kgo.Record) {
	tb.Helper()
	if err := c.ProduceSync(testContext(tb), records...).FirstErr(); err != nil {
		tb.Fatalf("produce: %v", err)
	}
}

// readRecord waits for the next record of a plain client.
func readRecord(tb testing.TB, c *kgo.Client) *kgo.Record {
	tb.Helper()
	ctx := testContext(tb)
	for { // a poll can come back with nothing
		fetches := c.PollRecords(ctx, 1)
		if err := fetches.Err(); err != nil {
			tb.Fatalf("read record: %v", err)
		}
		if records := fetches.Records(); len(records) > 0 {
			return records[0]
		}
	}
}

// committed is the group's offset on a partition, -1 for none.
func committed(tb testing.TB, c *kgo.Client, service, topic string, partition int32) int64 {
	tb.Helper()
	offsets, err := kadm.NewClient(c).FetchOffsets(testContext(tb), service+"-server")
	if err != nil {
		tb.Fatalf("fetch offsets: %v", err)
	}
	if o, ok := offsets.Lookup(topic, partition); ok {
		return o.At
	}
	return -1
}

// receive waits for a value.
func receive[T any](tb testing.TB, from <-chan T, what string) T {
	tb.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		tb.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// eventually polls what nothing signals.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// testLog writes to the test's output.
func testLog(tb testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
