package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	goleak.VerifyTestMain(m)
}

// deadline is for what must happen at all; nothing measures against it.
const deadline = 30 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// listen binds a free port of the host.
func listen(t testing.TB, host string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start starts a broker in dir that lives as long as the test. Its clients,
// made after it, are closed before it.
func start(t *testing.T, o Options) *Broker {
	t.Helper()
	if o.Listener == nil {
		o.Listener = listen(t, "127.0.0.1")
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b, err := Start(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// cluster is what a client connects to.
type cluster interface{ Addr() string }

func client(t *testing.T, b cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// produce sends n records to each of the topic's partitions.
func produce(t *testing.T, cl *kgo.Client, topic string, partitions, n int) {
	t.Helper()
	var records []*kgo.Record
	for p := range partitions {
		for i := range n {
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(p), Value: fmt.Appendf(nil, "%d/%d", p, i)})
		}
	}
	if err := cl.ProduceSync(testContext(t), records...).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
}

// consume reads records until it has n.
func consume(t *testing.T, cl *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	ctx := testContext(t)
	var got []*kgo.Record
	for len(got) < n {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("consume: got %d of %d records: %v", len(got), n, err)
		}
		got = append(got, fetches.Records()...)
	}
	return got
}

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		b := start(t, Options{Topics: []string{"a", "b"}})
		_, port, _ := net.SplitHostPort(b.options.Listener.Addr().String())
		if got, want := b.Addr(), "localhost:"+port; got != want {
			t.Errorf("address: got %q, want %q", got, want)
		}
		if err := b.Healthy(testContext(t)); err != nil {
			t.Errorf("healthy: %v", err)
		}
		topics, err := b.Admin().Topics(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if len(topics) != 2 || topics[0].Name != "a" || len(topics[0].Partitions) != 3 {
			t.Errorf("topics: got %+v, want a and b of 3 partitions", topics)
		}
	})

	t.Run("Advertise", func(t *testing.T) {
		t.Parallel()
		// The name does not resolve: only clients get it.
		b := start(t, Options{Advertise: "broker.invalid:0"})
		meta, err := b.Admin().Kadm().BrokerMetadata(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := meta.Brokers[0].Host, "broker.invalid"; len(meta.Brokers) != 1 || got != want {
			t.Errorf("got %+v, want one broker at %s", meta.Brokers, want)
		}
	})

	for name, o := range map[string]Options{
		"ErrTopic":      {Topics: []string{"no spaces"}},
		"ErrPartitions": {Partitions: -1},
		"ErrAdvertise":  {Advertise: "nowhere"},
		"ErrDir":        {Dir: os.DevNull},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Listener = listen(t, "127.0.0.1")
			if o.Dir == "" {
				o.Dir = t.TempDir()
			}
			b, err := Start(testContext(t), o)
			if err == nil {
				t.Fatal("got no error", b.Close())
			}
			if _, err := o.Listener.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("listener: got %v, want it closed", err)
			}
		})
	}
}

func TestStartErrContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := listen(t, "127.0.0.1")
	if b, err := Start(ctx, Options{Listener: l, Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, %v, want it canceled", b, err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listener: got %v, want it closed", err)
	}
}

// TestStartErrData: an unreadable directory is named, with what to do.
func TestStartErrData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "meta.json"), []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	l := listen(t, "127.0.0.1")
	_, err := Start(testContext(t), Options{Listener: l, Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("got %v, want the directory named", err)
	}
	hint, ok := errors.AsType[interface {
		error
		Hint() string
	}](err)
	if !ok || !strings.Contains(hint.Hint(), "--data") {
		t.Errorf("got no hint with %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listener: got %v, want it closed", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	addr := b.options.Listener.Addr().String()
	cl := client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	produce(t, cl, "a", 3, 10)
	cl.Close()
	idle := dial(t, b)
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := idle.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("idle connection: got %v, want it closed", err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	_ = l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := b.Healthy(ctx); err == nil {
		t.Error("a closed broker is healthy")
	}
}

func TestProduceConsume(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
			if err != nil && host == "::1" {
				t.Skipf("no IPv6 on this machine: %v", err)
			} else if err != nil {
				t.Fatal(err)
			}
			b := start(t, Options{Listener: l, Advertise: net.JoinHostPort(host, "0"), Topics: []string{"a"}})
			const each = 50
			produce(t, client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner())), "a", 3, each)
			perPartition := make(map[int32]int)
			for _, r := range consume(t, client(t, b, kgo.ConsumeTopics("a")), 3*each) {
				if got, want := string(r.Value), fmt.Sprintf("%d/%d", r.Partition, perPartition[r.Partition]); got != want {
					t.Fatalf("partition %d: got %q, want %q", r.Partition, got, want)
				}
				perPartition[r.Partition]++
			}
			for p := range int32(3) {
				if got := perPartition[p]; got != each {
					t.Errorf("partition %d: got %d records, want %d", p, got, each)
				}
			}
		})
	}
}
