package broker

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestAppendTime: a batch keeps whose time it has, whatever its topic's setting becomes,
// over kills and restarts.
func TestAppendTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin, old := time.Now().Truncate(time.Millisecond), time.UnixMilli(1_600_000_000_000)
	addr, kill := spawn(t, dir)
	setType(t, addr, "a", "LogAppendTime")
	stampedSet(t, addr, old) // 0 and 1
	setType(t, addr, "a", "CreateTime")
	stampedSet(t, addr, old)
	kill()
	addr, kill = spawn(t, dir)
	stampedSet(t, addr, old)
	setType(t, addr, "a", "LogAppendTime")
	kill()
	addr, kill = spawn(t, dir)
	stampedSet(t, addr, old) // 6 and 7, the first thing that is asked of it
	kill()
	b := start(t, Options{Dir: dir})
	stampedSet(t, b.Addr(), old) // 8 and 9
	setType(t, b.Addr(), "a", "CreateTime")
	want := []bool{true, true, false, false, false, false, true, true, true, true}
	check := func(b *Broker, way string) {
		t.Helper()
		for i, r := range consume(t, client(t, b, kgo.ConsumeTopics("a")), len(want)) {
			stamped := r.Attrs.TimestampType() == 1
			if stamped != want[i] || stamped == r.Timestamp.Equal(old) || stamped && r.Timestamp.Before(begin) {
				t.Errorf("%s, offset %d: got type %d, time %v; want LogAppendTime %t", way, r.Offset, r.Attrs.TimestampType(), r.Timestamp, want[i])
			}
		}
	}
	check(b, "restarted")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	check(start(t, Options{Dir: dir}), "restarted again")
}

// TestAppendTimeInBulk: so it is where the stored files are what is sent.
func TestAppendTimeInBulk(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}, Partitions: 1})
	setType(t, b.Addr(), "a", "LogAppendTime")
	const n = 200
	cl := client(t, b, kgo.ProducerBatchCompression(kgo.NoCompression()))
	for range n {
		if err := cl.ProduceSync(testContext(t),
			&kgo.Record{Topic: "a", Value: bytes.Repeat([]byte("x"), 20_000), Timestamp: time.UnixMilli(1)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	setType(t, b.Addr(), "a", "CreateTime")
	for _, r := range consume(t, client(t, b, kgo.ConsumeTopics("a"), kgo.FetchMaxBytes(300_000)), n) {
		if r.Attrs.TimestampType() != 1 {
			t.Fatalf("offset %d: got type %d", r.Offset, r.Attrs.TimestampType())
		}
	}
	if b.files.Answered.Load() == 0 {
		t.Error("nothing was answered from the stored files")
	}
	if files, _ := filepath.Glob(filepath.Join(b.options.Dir, "partitions", "a-0", "*.dat")); slices.ContainsFunc(files, func(f string) bool {
		p, err := os.ReadFile(f)
		return err != nil || p[22]&8 != 0
	}) {
		t.Error("kfake's files have the mark that it stores under a wrong checksum")
	}
}

func setType(t *testing.T, addr, topic, kind string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	_, _ = admin.CreateTopic(testContext(t), 1, 1, nil, topic) // it may be there
	changed, err := admin.AlterTopicConfigs(testContext(t), []kadm.AlterConfig{{Name: "message.timestamp.type", Value: &kind}}, topic)
	if err != nil || changed[0].Err != nil {
		t.Fatal(err, changed)
	}
}

// stampedSet writes two batches, one plain and one compressed.
func stampedSet(t *testing.T, addr string, at time.Time) {
	t.Helper()
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.ZstdCompression()} {
		cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ProducerBatchCompression(codec))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		if err := cl.ProduceSync(testContext(t),
			&kgo.Record{Topic: "a", Key: []byte("k"), Value: make([]byte, 500), Timestamp: at}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}
