package broker

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestSharedAcknowledged: what a share group has acknowledged behind where it goes on is
// not delivered again after a kill, and neither after a clean stop and a kill. kfake
// forgets it in a kill.
func TestSharedAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, Options{Dir: dir, Topics: []string{"a"}, Partitions: 1})
	earliest := "earliest"
	set(t, b, kmsg.ConfigResourceTypeGroupConfig, "s", "share.auto.offset.reset", &earliest)
	const n = 6
	for range n {
		if err := client(t, b).ProduceSync(testContext(t), &kgo.Record{Topic: "a"}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	sharing := func(b *Broker) *kgo.Client { return client(t, b, kgo.ShareGroup("s"), kgo.ConsumeTopics("a")) }
	var all []*kgo.Record
	for reader := sharing(b); len(all) < n; {
		all = append(all, reader.PollFetches(testContext(t)).Records()...)
		for _, r := range all {
			if r.Offset != 0 && r.Offset != 3 {
				r.Ack(kgo.AckAccept)
			}
		}
		if err := reader.FlushAcks(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	kill := func(dir string) string {
		left := t.TempDir()
		if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		return left
	}
	again := func(dir string) (offsets []int64) {
		reader := sharing(start(t, Options{Dir: kill(dir)}))
		ctx, cancel := context.WithTimeout(testContext(t), 20*time.Second)
		defer cancel()
		for len(offsets) < 2 && ctx.Err() == nil {
			for _, r := range reader.PollFetches(ctx).Records() {
				offsets = append(offsets, r.Offset)
			}
		}
		return offsets
	}
	want := []int64{0, 3}
	if got := again(dir); !slices.Equal(got, want) {
		t.Errorf("after a kill: got %v, want %v", got, want)
	}
	left := kill(dir)
	if err := start(t, Options{Dir: left}).Close(); err != nil {
		t.Fatal(err)
	}
	start(t, Options{Dir: left})
	if got := again(left); !slices.Equal(got, want) {
		t.Errorf("after a kill, a clean stop, and a kill: got %v, want %v", got, want)
	}
}
