package segment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/segment"
)

// stored is a broker with n records of a topic "a b", each a batch of its own, in files
// of a few.
func stored(t *testing.T, n int) (*segment.Store, segment.Partition, *kfake.Cluster) {
	t.Helper()
	dir := t.TempDir()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SeedTopics(1, "a_b"),
		kfake.BrokerConfigs(map[string]string{"log.segment.bytes": "2000"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("a_b"),
		kgo.MaxProduceRequestsInflightPerBroker(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for i := range n {
		if err := client.ProduceSync(context.Background(), &kgo.Record{Value: fmt.Appendf(nil, "%d %0200d", i, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return segment.New(dir), segment.Partition{Topic: "a_b", ID: c.TopicInfo("a_b").TopicID}, c
}

// offsets are the first ones of batches.
func offsets(t *testing.T, p []byte) (list []int64) {
	t.Helper()
	for len(p) > 0 {
		var b kmsg.RecordBatch
		if err := b.ReadFrom(p); err != nil {
			t.Fatal(err)
		}
		list, p = append(list, b.FirstOffset), p[12+b.Length:]
	}
	return list
}

func TestRead(t *testing.T) {
	t.Parallel()
	const n = 40
	store, partition, _ := stored(t, n)
	for _, size := range []int{400, 1000, 1 << 20} {
		for from := range int64(n) {
			buf := make([]byte, size)
			next := from
			for next < n { // on from where it ended, over the ends of files
				got, err := store.Read(partition, segment.Range{From: next, End: n}, buf)
				if err != nil {
					t.Fatalf("%d bytes from %d at %d: %v", size, from, next, err)
				}
				for _, offset := range offsets(t, got) {
					if offset != next {
						t.Fatalf("%d bytes from %d: got %d, want %d", size, from, offset, next)
					}
					next++
				}
			}
		}
	}
	got, err := store.Read(partition, segment.Range{From: 3, End: 7}, make([]byte, 1<<20))
	if err != nil || len(offsets(t, got)) != 4 {
		t.Errorf("got %d batches before the end, %v", len(offsets(t, got)), err)
	}
	for name, r := range map[string]segment.Range{"after the end": {From: n, End: n + 1}, "nothing": {From: 3, End: 3}} {
		if _, err := store.Read(partition, r, make([]byte, 1<<20)); !errors.Is(err, segment.ErrNone) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := store.Read(partition, segment.Range{From: 3, End: 7}, make([]byte, 20)); !errors.Is(err, segment.ErrNone) {
		t.Errorf("a small buffer: got %v", err)
	}
	other := partition
	other.Topic = "none"
	if _, err := store.Read(other, segment.Range{End: 7}, make([]byte, 1<<20)); !errors.Is(err, segment.ErrNone) {
		t.Errorf("another topic: got %v", err)
	}
}

// TestReadRemoved: files that retention has removed are missed, and those after them
// found.
func TestReadRemoved(t *testing.T) {
	t.Parallel()
	store, partition, c := stored(t, 40)
	buf := make([]byte, 1<<20)
	if _, err := store.Read(partition, segment.Range{From: 0, End: 3}, buf); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteRecords("a_b", 0, 25); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Read(partition, segment.Range{From: 3, End: 40}, buf); !errors.Is(err, segment.ErrNone) {
		t.Errorf("of removed records: got %v", err)
	}
	got, err := store.Read(partition, segment.Range{From: 25, End: 40}, buf)
	if err != nil || offsets(t, got)[0] != 25 {
		t.Errorf("got %v, %v", offsets(t, got), err)
	}
}

// TestReadTransaction: batches of transactions, and their markers, are not plain.
func TestReadTransaction(t *testing.T) {
	t.Parallel()
	store, partition, c := stored(t, 2)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("a_b"), kgo.TransactionalID("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	client.Produce(t.Context(), &kgo.Record{Value: []byte("in")}, nil)
	if err := errors.Join(client.Flush(t.Context()), client.EndTransaction(t.Context(), kgo.TryCommit)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	got, err := store.Read(partition, segment.Range{End: 4, Plain: true}, buf)
	if err != nil || len(offsets(t, got)) != 2 {
		t.Errorf("plain: got %v, %v", offsets(t, got), err)
	}
	if got, err = store.Read(partition, segment.Range{End: 4}, buf); err != nil || len(offsets(t, got)) != 4 {
		t.Errorf("all: got %v, %v", offsets(t, got), err)
	}
}

// TestReadDamaged: what is no batch is not given out.
func TestReadDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	partition := segment.Partition{Topic: "a"}
	folder := filepath.Join(dir, "partitions", "a-0")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, 61)
	whole[11], whole[16] = 49, 2
	for name, content := range map[string][]byte{
		"empty": {}, "short": whole[:40], "zeros": make([]byte, 200), "magic": bytes.Repeat([]byte{1}, 200),
		"long": append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}, whole[12:]...),
		"less": append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, whole[12:]...),
	} {
		if err := os.WriteFile(filepath.Join(folder, "0.dat"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := segment.New(dir).Read(partition, segment.Range{End: 9}, make([]byte, 4096)); !errors.Is(err, segment.ErrNone) {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
}

// TestFrame: an answer is what Kafka's definition of its version says.
func TestFrame(t *testing.T) {
	t.Parallel()
	for version := int16(4); version <= 18; version++ {
		for _, committed := range []bool{false, true} {
			a := &segment.Answer{Version: version, Correlation: 9, Committed: committed, Topics: []segment.Topic{
				{Name: "a", ID: [16]byte{1}, Partitions: []segment.Portion{
					{Partition: 1, HighWatermark: 8, Stable: 7, Oldest: 2, Batches: []byte("batches")}, {Partition: 2, HighWatermark: 3, Stable: 3},
				}},
				{Name: "b", ID: [16]byte{2}, Partitions: []segment.Portion{{Batches: []byte("more")}}},
			}}
			frame := bytes.Join(a.Frame(), nil)
			want := kmsg.NewPtrFetchResponse()
			want.SetVersion(version)
			for _, topic := range a.Topics {
				to := kmsg.NewFetchResponseTopic()
				if to.TopicID = topic.ID; version < 13 {
					to.TopicID, to.Topic = [16]byte{}, topic.Name
				}
				for _, p := range topic.Partitions {
					part := kmsg.NewFetchResponseTopicPartition()
					part.Partition, part.HighWatermark, part.LastStableOffset = p.Partition, p.HighWatermark, p.Stable
					if part.RecordBatches = p.Batches; p.Batches == nil {
						part.RecordBatches = []byte{}
					}
					if part.LogStartOffset = p.Oldest; committed {
						part.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
					}
					to.Partitions = append(to.Partitions, part)
				}
				want.Topics = append(want.Topics, to)
			}
			head := []byte{0, 0, 0, byte(len(frame) - 4), 0, 0, 0, 9}
			if version >= 12 {
				head = append(head, 0)
			}
			if all := want.AppendTo(head); !bytes.Equal(frame, all) {
				t.Errorf("version %d, committed %t: got\n%x, want\n%x", version, committed, frame, all)
			}
		}
	}
}
