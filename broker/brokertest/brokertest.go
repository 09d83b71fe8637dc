// Package brokertest starts brokers, and clients of them, for the tests of the packages
// that read a cluster.
package brokertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker"
	"axion/broker/admin"
	"axion/services/clustertest"
)

// Timeout is for what must happen at all; nothing measures against it.
const Timeout = 30 * time.Second

// Context ends with the test, or after [Timeout].
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	t.Cleanup(cancel)
	return ctx
}

// Start starts an embedded broker on a free port, in a directory of its own, which lives
// as long as the test. Its clients, made after it, are closed before it.
func Start(t testing.TB, o broker.Options) *broker.Broker {
	t.Helper()
	var err error
	if o.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Log = t.TempDir(), slog.New(slog.DiscardHandler)
	b, err := broker.Start(Context(t), o)
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

// Cluster is what a test reads: an embedded broker, or Apache Kafka where the test runs
// on a cluster.
type Cluster interface {
	Addr() string
	Admin() *admin.Admin
}

// NewCluster is a cluster with topics of three partitions: an embedded broker, or the one
// that [clustertest.RerunOnCluster] names. A test has one at most.
func NewCluster(t testing.TB, topics ...string) Cluster {
	t.Helper()
	if os.Getenv(clustertest.BrokersEnv) == "" {
		return Start(t, broker.Options{Topics: topics})
	}
	addrs := clustertest.NewBroker(t, topics...).ListenAddrs()
	a, err := admin.New(addrs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return external{addrs[0], a}
}

// external is a cluster that this process does not run.
type external struct {
	addr  string
	admin *admin.Admin
}

func (e external) Addr() string        { return e.addr }
func (e external) Admin() *admin.Admin { return e.admin }

// Client connects to c as long as the test lasts.
func Client(t testing.TB, c Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.Addr())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Produce sends n records to each of the topic's partitions.
func Produce(t testing.TB, cl *kgo.Client, topic string, partitions, n int) {
	t.Helper()
	var records []*kgo.Record
	for p := range partitions {
		for i := range n {
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(p), Value: fmt.Appendf(nil, "%d/%d", p, i)})
		}
	}
	if err := cl.ProduceSync(Context(t), records...).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
}

// Consume reads records until it has n.
func Consume(t testing.TB, cl *kgo.Client, n int) []*kgo.Record {
	t.Helper()
	ctx := Context(t)
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

// DeleteBefore deletes the records of a partition that come before an offset.
func DeleteBefore(t testing.TB, c Cluster, topic string, partition int32, offset int64) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, partition, offset, -1)
	deleted, err := c.Admin().Kadm().DeleteRecords(Context(t), offsets)
	if err = errors.Join(err, deleted.Error()); err != nil {
		t.Fatal(err)
	}
}

// Eventually calls ok until it returns true, where nothing signals the change.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx := Context(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never came: %s", what)
		case <-tick.C:
		}
	}
}
