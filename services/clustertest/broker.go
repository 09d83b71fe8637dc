package clustertest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Broker is what a test runs on: an embedded broker of its own, or one of the
// clusters that [BrokersEnv] names, emptied.
type Broker struct {
	*kfake.Cluster // nil on a cluster
	t              testing.TB
	addrs          []string
}

// clusters are those that no test has.
var clusters = sync.OnceValue(func() chan []string {
	all := strings.Split(os.Getenv(BrokersEnv), ";")
	free := make(chan []string, len(all))
	for _, addrs := range all {
		free <- strings.Split(addrs, ",")
	}
	return free
})

// NewBroker returns the test's broker, with topics of three partitions. On a cluster
// the test has it to itself until its end: others wait here, and a test that asks
// for one more may wait for ever.
func NewBroker(t testing.TB, topics ...string) *Broker {
	t.Helper()
	if os.Getenv(BrokersEnv) != "" {
		addrs := <-clusters()
		t.Cleanup(func() { clusters() <- addrs })
		empty(t, addrs, topics)
		return &Broker{t: t, addrs: addrs}
	}
	c := startEmbedded(t, kfake.SeedTopics(3, topics...))
	t.Cleanup(c.Close)
	return &Broker{Cluster: c, t: t, addrs: c.ListenAddrs()}
}

// startEmbedded starts an embedded broker that makes topics as Apache Kafka does
// by default.
func startEmbedded(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.DefaultNumPartitions(3), kfake.AllowAutoTopicCreation()},
		opts...)...)
	if err != nil {
		t.Fatalf("start broker: %v", err)
	}
	return c
}

// ListenAddrs are the addresses to connect to.
func (b *Broker) ListenAddrs() []string { return b.addrs }

// Embedded skips a test of what only the embedded broker can be made to do. It comes
// before the test starts anything.
func Embedded(t testing.TB) {
	t.Helper()
	if os.Getenv(BrokersEnv) != "" {
		t.Skip("sets the answers of the embedded broker, which Apache Kafka has no way for")
	}
}

// ControlKey sets what the embedded broker answers; see [Embedded].
func (b *Broker) ControlKey(key int16, fn func(kmsg.Request) (kmsg.Response, error, bool)) {
	b.t.Helper()
	b.requireEmbedded()
	b.Cluster.ControlKey(key, fn)
}

// TopicInfo asks the embedded broker about a topic; see [Embedded].
func (b *Broker) TopicInfo(topic string) *kfake.TopicInfo {
	b.t.Helper()
	b.requireEmbedded()
	return b.Cluster.TopicInfo(topic)
}

func (b *Broker) requireEmbedded() {
	b.t.Helper()
	if b.Cluster == nil {
		b.t.Fatal("the test needs the embedded broker: let it begin with clustertest.Embedded")
	}
}

// empty deletes all topics and groups of a cluster, and makes topics. The cluster's
// answers are late: what an earlier test had made at its end may be listed only
// once it is in the way, and a new topic is not known at once.
func empty(t testing.TB, addrs, topics []string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for _, step := range []func() error{
		func() error {
			if err := sweep(ctx, admin); err != nil {
				return err
			}
			return create(ctx, admin, topics)
		},
		func() error { return known(ctx, admin, topics) },
	} {
		if err := until(ctx, step); err != nil {
			t.Fatalf("empty the cluster: %v", err)
		}
	}
}

// until calls step until it succeeds, or ctx ends: then it returns step's error.
func until(ctx context.Context, step func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := step()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// sweep deletes what there is, and fails if there was anything: what was deleted is
// seen for a moment, and groups have to lose their members.
func sweep(ctx context.Context, admin *kadm.Client) error {
	found, err := admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("list groups: %w", err)
	}
	left := slices.Concat(found.Names(), groups.Groups())
	if len(left) == 0 {
		return nil
	}
	if names := found.Names(); len(names) > 0 {
		_, _ = admin.DeleteTopics(ctx, names...) // what stays is seen the next time
	}
	if names := groups.Groups(); len(names) > 0 {
		_, _ = admin.DeleteGroups(ctx, names...)
	}
	return fmt.Errorf("left of an earlier test: %s", strings.Join(left, ", "))
}

// create makes topics. One that is there already is no success: it holds an earlier
// test's messages.
func create(ctx context.Context, admin *kadm.Client, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	created, err := admin.CreateTopics(ctx, 3, -1, nil, topics...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		return fmt.Errorf("make topics: %w", err)
	}
	return nil
}

// known fails while the cluster's brokers do not have topics that were made.
func known(ctx context.Context, admin *kadm.Client, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	found, err := admin.ListTopics(ctx, topics...)
	if err == nil {
		err = found.Error()
	}
	if err != nil {
		return fmt.Errorf("look for topics: %w", err)
	}
	for _, topic := range topics {
		for _, p := range found[topic].Partitions {
			if p.Err != nil {
				return fmt.Errorf("look for topic %s, partition %d: %w", topic, p.Partition, p.Err)
			}
		}
	}
	return nil
}
