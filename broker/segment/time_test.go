package segment_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/segment"
)

// TestFindTime: times are found where kfake finds them, in files that grow and go.
func TestFindTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SeedTopics(1, "a"),
		kfake.BrokerConfigs(map[string]string{"log.segment.bytes": "2000"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("a"), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	store, partition := segment.New(dir), segment.Partition{Topic: "a", ID: c.TopicInfo("a").TopicID}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 6 {
		for range 8 {
			var records []*kgo.Record
			for range 1 + random.IntN(5) {
				records = append(records, &kgo.Record{Value: make([]byte, random.IntN(600)),
					Timestamp: time.UnixMilli(1000 + random.Int64N(200) + int64(round*100))})
			}
			if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		info := c.PartitionInfo("a", 0)
		for at := int64(900); at < 2000; at += 7 {
			compare(t, client, store, partition, at, info.LogStartOffset)
		}
		compare(t, client, store, partition, -3, info.LogStartOffset)
		if err := c.DeleteRecords("a", 0, (info.LogStartOffset+info.HighWatermark)/2); err != nil {
			t.Fatal(err)
		}
	}
}

func compare(t *testing.T, client *kgo.Client, store *segment.Store, p segment.Partition, at, start int64) {
	t.Helper()
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	topic, part := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	part.Timestamp = at
	topic.Topic, topic.Partitions = p.Topic, append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	want := resp.Topics[0].Partitions[0]
	if at == -3 {
		at = segment.Greatest
	}
	got, ok, err := store.FindTime(p, at, start)
	if !ok {
		got = segment.Found{Offset: -1, Timestamp: -1, Epoch: -1}
	}
	if err != nil || want.ErrorCode != 0 || got.Offset != want.Offset || got.Timestamp != want.Timestamp || got.Epoch != want.LeaderEpoch {
		t.Fatalf("time %d from %d on: got %+v, %v; kfake answers %d@%d/%d, error %d", at, start, got, err, want.Offset, want.Timestamp,
			want.LeaderEpoch, want.ErrorCode)
	}
}

// TestFindTimeDamaged: what cannot be read is an error, and no answer.
func TestFindTimeDamaged(t *testing.T) {
	t.Parallel()
	store, partition, c := stored(t, 9)
	c.Close()
	files, err := filepath.Glob(filepath.Join(store.Folder(partition), "*.dat"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	slices.Sort(files)
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := 61; i < 80; i++ {
		data[i] = 0xff // of the first batch's records
	}
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := store.FindTime(partition, 1, 0); err == nil {
		t.Errorf("got %+v, %t", got, ok)
	}
	if _, ok, err := store.FindTime(segment.Partition{Topic: "none"}, 1, 0); ok || err != nil {
		t.Errorf("a topic without files: got %t, %v", ok, err)
	}
}
