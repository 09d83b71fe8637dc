package broker

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/retention"
)

// often is the pace of retention in tests.
const often = 10 * time.Millisecond

// clock is one that a test sets forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// topicWith creates a topic of one partition.
func topicWith(t *testing.T, b *Broker, name string, configs map[string]string) {
	t.Helper()
	values := map[string]*string{}
	for k, v := range configs {
		values[k] = &v
	}
	if _, err := b.admin.Kadm().CreateTopic(testContext(t), 1, 1, values, name); err != nil {
		t.Fatal(err)
	}
}

// fill produces records of a size, each in a batch of its own.
func fill(t *testing.T, b *Broker, topic string, n, size int, at time.Time) {
	t.Helper()
	cl := client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(64<<20))
	for range n {
		if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Value: make([]byte, size), Timestamp: at}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func offsets(b *Broker, topic string) retention.Offsets {
	at, _ := b.storedLog().Offsets(retention.Partition{Topic: topic})
	return at
}

// settle waits until retention has looked at all that was produced and set.
func settle(t *testing.T, b *Broker, topic string) {
	t.Helper()
	b.cleaner.Touched(topic) // for a while, each pass looks at it
	passes := b.cleaner.Passes()
	eventually(t, "some passes", func() bool { return b.cleaner.Passes() >= passes+5 })
}

// TestRetentionSize: whole segments go from the oldest on, as long as the limit's
// bytes are left, and the newest never does.
func TestRetentionSize(t *testing.T) {
	t.Parallel()
	b := start(t, Options{retentionEvery: often})
	topicWith(t, b, "small", map[string]string{"segment.bytes": "1048576", "retention.bytes": "2097152"})
	topicWith(t, b, "one", map[string]string{"segment.bytes": "1048576", "retention.bytes": "1", "max.message.bytes": "30000000"})
	fill(t, b, "small", 20, 600<<10, time.Now()) // two records a segment
	eventually(t, "a shorter log", func() bool { return offsets(b, "small").Start == 16 })
	fill(t, b, "one", 1, 20<<20, time.Now())
	settle(t, b, "one")
	if got := offsets(b, "one"); got.Start != 0 || got.End != 1 {
		t.Errorf("one record larger than the limit: got %+v, want it kept", got)
	}
	if got := offsets(b, "small"); got.Start != 16 || got.End != 20 {
		t.Errorf("got %+v, want the start at 16", got)
	}
	fill(t, b, "one", 1, 1<<10, time.Now())
	eventually(t, "the first segment gone", func() bool { return offsets(b, "one").Start == 1 })
}

// TestRetentionAge: a segment goes once its newest record is too old. One old
// record takes no fresh one along, and by the broker's own age the newest segment
// stays; by that of the topic it goes, as in Kafka.
func TestRetentionAge(t *testing.T) {
	t.Parallel()
	var c clock
	b := start(t, Options{retentionEvery: often, now: c.now})
	for _, topic := range []string{"mixed", "old", "own"} {
		topicWith(t, b, topic, map[string]string{"segment.bytes": "1048576"})
	}
	old := time.Now().Add(-8 * 24 * time.Hour)
	fill(t, b, "mixed", 1, 600<<10, time.Now())
	fill(t, b, "mixed", 1, 600<<10, old)
	fill(t, b, "mixed", 1, 600<<10, time.Now())
	fill(t, b, "old", 5, 600<<10, old)
	fill(t, b, "own", 2, 600<<10, time.Now())
	eventually(t, "old segments gone", func() bool { return offsets(b, "old").Start == 4 })
	settle(t, b, "mixed")
	if got := offsets(b, "mixed"); got.Start != 0 {
		t.Errorf("got %+v, want fresh records kept", got)
	}
	alter(t, b, "own", "retention.ms", "60000")
	settle(t, b, "own")
	if got := offsets(b, "own"); got.Start != 0 || got.End != 2 {
		t.Errorf("got %+v, want all of it kept", got)
	}
	c.ahead.Store(int64(2 * time.Minute))
	eventually(t, "all gone", func() bool { return offsets(b, "own").Start == 2 })
	fill(t, b, "own", 1, 100, c.now())
	settle(t, b, "own")
	if got := offsets(b, "own"); got.Start != 2 || got.End != 3 {
		t.Errorf("got %+v, want what came later kept", got)
	}
	alter(t, b, "mixed", "retention.ms", "-1")
	c.ahead.Store(int64(10 * 24 * time.Hour))
	settle(t, b, "mixed")
	if got := offsets(b, "mixed"); got.Start != 0 {
		t.Errorf("got %+v, want a topic without an age kept", got)
	}
}

func alter(t *testing.T, b *Broker, topic, name, value string) {
	t.Helper()
	if _, err := b.admin.Kadm().AlterTopicConfigs(testContext(t), []kadm.AlterConfig{{Name: name, Value: &value}}, topic); err != nil {
		t.Fatal(err)
	}
}

// TestRetentionRestart: the log begins where it did, after a clean stop and after
// a kill, and the settings are the same.
func TestRetentionRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, retentionEvery: often})
	topicWith(t, b, "a", map[string]string{"segment.bytes": "1048576", "retention.bytes": "2097152"})
	fill(t, b, "a", 20, 600<<10, time.Now())
	eventually(t, "a shorter log", func() bool { return offsets(b, "a").Start == 16 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, kill := spawn(t, dir)
	kill()
	b = start(t, Options{Dir: dir, retentionEvery: often})
	if got := offsets(b, "a"); got.Start != 16 || got.End != 20 {
		t.Errorf("got %+v, want 16 to 20", got)
	}
	fill(t, b, "a", 4, 600<<10, time.Now())
	eventually(t, "the settings followed", func() bool { return offsets(b, "a").Start == 20 })
}

// TestKfakeRetention shows what kfake does by itself, which is why it does not get
// to: with a topic's own age one old record takes fresh ones along, and with its
// own size the newest segment goes. Where this fails, kfake has been fixed.
func TestKfakeRetention(t *testing.T) {
	t.Parallel()
	c := kfake.MustCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
	defer c.Close()
	for topic, configs := range map[string]map[string]string{"age": {"retention.ms": "60000"}, "size": {"retention.bytes": "1"}} {
		if err := c.CreateTopic(topic, 1, configs); err != nil {
			t.Fatal(err)
		}
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, r := range []*kgo.Record{{Topic: "age"}, {Topic: "age", Timestamp: time.Now().Add(-time.Hour)}, {Topic: "size"}} {
		if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	c.ApplyRetention()
	if got := c.PartitionInfo("age", 0).LogStartOffset; got != 2 {
		t.Errorf("age: the log begins at %d: kfake no longer drops the fresh record before the old one", got)
	}
	if got := c.PartitionInfo("size", 0).LogStartOffset; got != 1 {
		t.Errorf("size: the log begins at %d: kfake no longer drops the newest segment", got)
	}
}

// TestRetentionLosses: a group that has not read what goes is named once, with the
// number; one that has is not.
func TestRetentionLosses(t *testing.T) {
	t.Parallel()
	var l logs
	var c clock
	b := start(t, Options{Log: l.logger(), retentionEvery: often, now: c.now})
	topicWith(t, b, "a", map[string]string{"segment.bytes": "1048576", "retention.bytes": "2097152"})
	fill(t, b, "a", 3, 600<<10, time.Now())
	commit := func(group string, at int64) {
		t.Helper()
		var o kadm.Offsets
		o.Add(kadm.Offset{Topic: "a", Partition: 0, At: at, LeaderEpoch: -1})
		if err := b.admin.Kadm().CommitAllOffsets(testContext(t), group, o); err != nil {
			t.Fatal(err)
		}
	}
	commit("behind", 3)
	commit("ahead", 1000)
	fill(t, b, "a", 17, 600<<10, time.Now())
	eventually(t, "a shorter log", func() bool { return offsets(b, "a").Start == 16 })
	c.ahead.Store(int64(2 * time.Minute)) // what went in several passes is reported by then
	lost := func() int64 {
		for _, p := range b.Problems() {
			if p.Topic == "a" && p.Group == "behind" && p.Kind == retention.KindLost {
				return p.Records
			}
		}
		return 0
	}
	eventually(t, "13 records missed", func() bool { return lost() == 13 })
	if n := len(b.Problems()); n != 1 {
		t.Errorf("got %d problems %+v, want that of one group", n, b.Problems())
	}
	if n := l.count("group=behind"); n < 1 || n > 2 {
		t.Errorf("the log names the group %d times, want once a minute", n)
	}
	if l.count("group=ahead") > 0 {
		t.Error("the log names a group that has missed nothing")
	}
	fill(t, b, "a", 20, 600<<10, time.Now())
	eventually(t, "more gone", func() bool { return offsets(b, "a").Start == 36 })
	settle(t, b, "a")
	if n := l.count("group=behind"); n > 2 {
		t.Errorf("the log names the group %d times within a minute", n)
	}
	c.ahead.Store(int64(4 * time.Minute))
	eventually(t, "33 records missed", func() bool { return lost() == 33 })
}

// configsOf describes a resource as a client sees it, by "value source".
func configsOf(t *testing.T, b *Broker, kind kmsg.ConfigResourceType, name string, only ...string) map[string]string {
	t.Helper()
	req := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.ConfigNames = kind, name, only
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(testContext(t), client(t, b))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range resp.Resources[0].Configs {
		if _, twice := got[c.Name]; twice {
			t.Errorf("%s is told twice", c.Name)
		}
		if strings.HasPrefix(c.Name, "axion.") {
			t.Errorf("%s is told", c.Name)
		}
		if c.Value != nil {
			got[c.Name] = *c.Value + " " + c.Source.String()
		}
	}
	if len(only) > 0 {
		maps.DeleteFunc(got, func(name, _ string) bool { return !slices.Contains(only, name) })
	}
	return got
}

// TestRetentionConfigs: clients get the values in force, and where they come
// from.
func TestRetentionConfigs(t *testing.T) {
	t.Parallel()
	names := []string{"retention.ms", "retention.bytes", "cleanup.policy", "segment.bytes"}
	broker := []string{"log.retention.ms", "log.retention.bytes"}
	for _, test := range []struct {
		name          string
		o             Options
		topic, broker map[string]string
	}{
		{"Default", Options{}, map[string]string{
			"retention.ms": "604800000 DEFAULT_CONFIG", "retention.bytes": "1073741824 DEFAULT_CONFIG",
			"cleanup.policy": "delete DEFAULT_CONFIG", "segment.bytes": "33554432 DEFAULT_CONFIG",
		}, map[string]string{"log.retention.ms": "604800000 DEFAULT_CONFIG", "log.retention.bytes": "1073741824 DEFAULT_CONFIG"}},
		{"Flags", Options{Retention: time.Hour, RetentionBytes: -1}, map[string]string{
			"retention.ms": "3600000 STATIC_BROKER_CONFIG", "retention.bytes": "-1 STATIC_BROKER_CONFIG",
			"cleanup.policy": "delete DEFAULT_CONFIG", "segment.bytes": "33554432 DEFAULT_CONFIG",
		}, map[string]string{"log.retention.ms": "3600000 STATIC_BROKER_CONFIG", "log.retention.bytes": "-1 STATIC_BROKER_CONFIG"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.o.Dir = t.TempDir()
			b := start(t, test.o)
			topicWith(t, b, "plain", nil)
			topicWith(t, b, "own", map[string]string{"retention.ms": "5000", "cleanup.policy": "compact,delete"})
			check := func(what string, got, want map[string]string) {
				t.Helper()
				if !maps.Equal(got, want) {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
			own := maps.Clone(test.topic)
			own["retention.ms"], own["cleanup.policy"] = "5000 DYNAMIC_TOPIC_CONFIG", "compact,delete DYNAMIC_TOPIC_CONFIG"
			for range 2 { // the second time after another start
				check("topic", configsOf(t, b, kmsg.ConfigResourceTypeTopic, "plain", names...), test.topic)
				check("topic with its own", configsOf(t, b, kmsg.ConfigResourceTypeTopic, "own", names...), own)
				check("broker", configsOf(t, b, kmsg.ConfigResourceTypeBroker, "0", broker...), test.broker)
				all := configsOf(t, b, kmsg.ConfigResourceTypeTopic, "own")
				if all["retention.ms"] != own["retention.ms"] || all["min.cleanable.dirty.ratio"] != "0.5 DEFAULT_CONFIG" {
					t.Errorf("all: got %v", all)
				}
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				test.o.Listener = nil
				b = start(t, test.o)
			}
			value := "7000"
			if _, err := b.admin.Kadm().AlterBrokerConfigs(testContext(t),
				[]kadm.AlterConfig{{Op: kadm.SetConfig, Name: "log.retention.ms", Value: &value}}); err != nil {
				t.Fatal(err)
			}
			if got := configsOf(t, b, kmsg.ConfigResourceTypeTopic, "plain", "retention.ms")["retention.ms"]; got != "7000 DYNAMIC_BROKER_CONFIG" {
				t.Errorf("set for the broker: got %s", got)
			}
			if _, err := b.admin.Kadm().AlterTopicConfigs(testContext(t), []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "retention.ms"}},
				"own"); err != nil {
				t.Fatal(err)
			}
			if got := configsOf(t, b, kmsg.ConfigResourceTypeTopic, "own", "retention.ms")["retention.ms"]; got != "7000 DYNAMIC_BROKER_CONFIG" {
				t.Errorf("deleted from the topic: got %s", got)
			}
		})
	}
}

// TestRetentionCost: a pass looks at what has changed alone.
func TestRetentionCost(t *testing.T) {
	t.Parallel()
	b := start(t, Options{retentionEvery: often, Partitions: 1})
	for i := range 5 {
		if _, err := b.admin.Kadm().CreateTopic(testContext(t), 200, 1, nil, fmt.Sprintf("many-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	topicWith(t, b, "a", nil)
	settle(t, b, "a")
	looks, passes := b.cleaner.Looks(), b.cleaner.Passes()
	fill(t, b, "a", 1, 100, time.Now())
	eventually(t, "a look", func() bool { return b.cleaner.Looks() > looks })
	eventually(t, "some passes", func() bool { return b.cleaner.Passes() >= passes+20 })
	looks, passes = b.cleaner.Looks()-looks, b.cleaner.Passes()-passes
	if looks > passes+1 {
		t.Errorf("%d passes took %d looks at partitions, want at most one each", passes, looks)
	}
}

// TestRetentionLeftover: settings that an older version has stored under kfake's
// names are followed, and not by kfake.
func TestRetentionLeftover(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := kfake.MustCluster(kfake.NumBrokers(1), kfake.DataDir(dir))
	if err := c.CreateTopic("a", 1, map[string]string{"retention.ms": "5000", "max.message.bytes": "1000"}); err != nil {
		t.Fatal(err)
	}
	c.Close()
	b := start(t, Options{Dir: dir})
	got := configsOf(t, b, kmsg.ConfigResourceTypeTopic, "a", "retention.ms", "max.message.bytes")
	want := map[string]string{"retention.ms": "5000 DYNAMIC_TOPIC_CONFIG", "max.message.bytes": "1000 DYNAMIC_TOPIC_CONFIG"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var raw map[string]*string
	b.live.With(func(c *kfake.Cluster) { raw = c.TopicInfo("a").Configs })
	if raw["retention.ms"] != nil {
		t.Error("kfake knows the age")
	}
	if _, err := os.Stat(filepath.Join(dir, "topics.json")); err != nil {
		t.Error(err)
	}
}
