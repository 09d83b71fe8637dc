package broker

import (
	"axion/web/view"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestTopics(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a", "b"}})
	admin, err := NewAdmin([]string{b.Addr()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	produce(t, client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner())), "a", 2, 5)
	if err := b.cluster.DeleteRecords("a", 0, 3); err != nil {
		t.Fatal(err)
	}
	got, err := admin.Topics(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []Topic{
		{Name: "a", Messages: 7, Partitions: []view.Partition{{ID: 0, Start: 3, End: 5}, {ID: 1, End: 5}, {ID: 2}}},
		{Name: "b", Partitions: []view.Partition{{ID: 0}, {ID: 1}, {ID: 2}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text, err := json.Marshal(got[0])
	if err != nil {
		t.Fatal(err)
	}
	const wantText = `{"name":"a","messages":7,"partitions":[{"id":0,"start":3,"end":5},{"id":1,"start":0,"end":5},{"id":2,"start":0,"end":0}]}`
	if string(text) != wantText {
		t.Errorf("got %s, want %s", text, wantText)
	}

	if err := admin.Create(testContext(t), 1, "b", "c"); err != nil {
		t.Fatal(err)
	}
	if got, err = admin.Topics(testContext(t)); err != nil || len(got) != 3 || len(got[2].Partitions) != 1 {
		t.Errorf("got %+v, %v, want c of one partition besides", got, err)
	}
}

func TestTopicsErr(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1")
	addr := l.Addr().String()
	_ = l.Close() // so that no one is there
	admin, err := NewAdmin([]string{addr}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, call := range map[string]func() error{
		"Ping":   func() error { return admin.Ping(ctx) },
		"Topics": func() error { _, err := admin.Topics(ctx); return err },
		"Groups": func() error { _, err := admin.Groups(ctx); return err },
		"Create": func() error { return admin.Create(ctx, 1, "a") },
	} {
		if err := call(); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]kgo.Opt{
		"Classic": kgo.Balancers(kgo.RoundRobinBalancer()),
		"Modern":  kgo.ServerSideBalancer(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, Options{Topics: []string{"a"}})
			if got, err := b.Admin().Groups(testContext(t)); err != nil || got == nil || len(got) != 0 {
				t.Errorf("got %+v, %v, want an empty list", got, err)
			}
			producer := client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
			produce(t, producer, "a", 3, 5)
			consumer := client(t, b, protocol, kgo.ConsumeTopics("a"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit())
			consume(t, consumer, 15)
			if err := consumer.CommitUncommittedOffsets(testContext(t)); err != nil {
				t.Fatal(err)
			}
			produce(t, producer, "a", 2, 4)
			want := Group{Name: "g", State: "Stable", Members: 1, Lag: map[string]int64{"a": 8}}
			if got := groupOf(t, b, "g"); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			consumer.Close()
			want.State, want.Members = "Empty", 0
			eventually(t, "an empty group with its lag", func() bool { return reflect.DeepEqual(groupOf(t, b, "g"), want) })
		})
	}
}

// size is what a directory takes on disk.
func size(t *testing.T, dir string) int64 {
	t.Helper()
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // removed meanwhile
		}
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestRetention: the disk is bounded by itself, in topics of all kinds, but
// for those that are kept.
func TestRetention(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// A topic may be older than the wish to keep it, and the wish outlives a
	// broker that is not told of it again.
	if err := start(t, Options{Dir: dir, Topics: []string{"old"}}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := start(t, Options{Dir: dir, Keep: []string{"old", "kept"}}).Close(); err != nil {
		t.Fatal(err)
	}
	b := start(t, Options{Dir: dir, Topics: []string{"known"}, RetentionBytes: 2 << 20})
	cl := client(t, b,
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.AllowAutoTopicCreation(),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	const megabytes = 12
	for _, topic := range []string{"known", "auto", "kept", "old"} {
		records := make([]*kgo.Record, 2*megabytes)
		for i := range records {
			records[i] = &kgo.Record{Topic: topic, Value: make([]byte, 1<<19)}
		}
		if err := cl.ProduceSync(testContext(t), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	partitions := filepath.Join(dir, "partitions")
	for _, topic := range []string{"known", "auto"} {
		eventually(t, "a small "+topic, func() bool { return size(t, filepath.Join(partitions, topic+"-0")) <= 4<<20 })
	}
	for _, topic := range []string{"kept", "old"} {
		if got := size(t, filepath.Join(partitions, topic+"-0")); got < megabytes<<20 {
			t.Errorf("%s: got %d bytes, want all %d MiB", topic, got, megabytes)
		}
	}
	if _, err := os.Stat(filepath.Join(partitions, "known-0")); err != nil {
		t.Error(err)
	}
}
