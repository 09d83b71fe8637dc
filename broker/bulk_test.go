package broker

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestBulkOfWhatGoes: who reads much while what is stored goes, by size, by deletion of
// records, or by compaction for a while, gets each record where it is, in order, and the
// last one.
func TestBulkOfWhatGoes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testing.T, *Broker, int){
		"Size":    func(*testing.T, *Broker, int) {},
		"Deleted": deleteSome,
		"Compacted": func(t *testing.T, b *Broker, round int) {
			policy := []string{"compact", "delete"}[round%2]
			admin := kadm.NewClient(client(t, b))
			if _, err := admin.AlterTopicConfigs(testContext(t), []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}}, "a"); err != nil {
				t.Error(err)
			}
			deleteSome(t, b, round)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, Options{retentionEvery: often})
			topicWith(t, b, "a", map[string]string{"segment.bytes": "1048576", "retention.bytes": "3145728"})
			const n = 600
			var writing sync.WaitGroup
			var written atomic.Int64
			writing.Go(func() { writeNumbered(t, b, n, &written) })
			writing.Go(func() {
				for round := 0; written.Load() < n; round++ {
					change(t, b, round)
					time.Sleep(30 * time.Millisecond) // paces the changes
				}
			})
			readNumbered(t, b, n)
			writing.Wait()
		})
	}
}

func deleteSome(t *testing.T, b *Broker, _ int) {
	b.live.With(func(c *kfake.Cluster) {
		info := c.PartitionInfo("a", 0)
		if err := c.DeleteRecords("a", 0, info.LogStartOffset+rand.Int64N(info.HighWatermark-info.LogStartOffset+1)); err != nil {
			t.Error(err)
		}
	})
}

// writeNumbered writes records of 50 kB that name their offset, each with a key of its own.
func writeNumbered(t *testing.T, b *Broker, n int, written *atomic.Int64) {
	cl := client(t, b, kgo.ProducerBatchCompression(kgo.NoCompression()))
	for i := range n {
		value := make([]byte, 50_000)
		binary.BigEndian.PutUint64(value, uint64(i))
		if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: "a", Key: value[:8], Value: value}).FirstErr(); err != nil {
			t.Error(err)
		}
		written.Store(int64(i + 1))
	}
}

// readNumbered reads up to the last of n.
func readNumbered(t *testing.T, b *Broker, n int) {
	t.Helper()
	cl := client(t, b, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"a": {0: kgo.NewOffset().AtStart()}}), kgo.FetchMaxBytes(400_000))
	for next := int64(0); next < int64(n); {
		fetches := cl.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("at %d: %v", next, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset < next || binary.BigEndian.Uint64(r.Value) != uint64(r.Offset) {
				t.Fatalf("got the record of %d at offset %d, after %d", binary.BigEndian.Uint64(r.Value), r.Offset, next-1)
			}
			next = r.Offset + 1
		})
	}
	t.Log("from the stored files:", b.files.Answered.Load())
}
