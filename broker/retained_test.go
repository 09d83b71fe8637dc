package broker

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

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
	// broker to which it is not given again.
	if err := start(t, Options{Dir: dir, Topics: []string{"old"}}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := start(t, Options{Dir: dir, InfiniteTopics: []string{"old", "kept"}}).Close(); err != nil {
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
