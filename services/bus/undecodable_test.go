package bus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/batch/batchtest"
	"axion/services/bus/groups"
	"axion/services/bus/message"
	"axion/services/clustertest"
)

// spoil puts a batch that nobody can decode into partition 0 of a topic.
func spoil(t *testing.T, client *kgo.Client, topic string, batch []byte) (offset int64) {
	t.Helper()
	offset, err := batchtest.Send(testContext(t), client, topic, 0, batch)
	if err != nil {
		t.Fatal(err)
	}
	return offset
}

// TestUndecodable: batches that nobody can decode, at the beginning of a partition and
// within it, become dead letters, and the partition goes on.
func TestUndecodable(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t) // Apache Kafka takes none of them
	for _, c := range batchtest.Undecodable() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			brokers := startCluster(t).ListenAddrs()
			b := openBus(t, brokers, "svc")
			handled := make(chan string, 10)
			b.Handle("GOOD", func(_ context.Context, m *Message) (any, error) { handled <- m.Key; return nil, nil })
			peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.svc.dlq"), kgo.FetchMaxBytes(64<<20))
			first := spoil(t, peer, "axion.svc", c.Batch)
			produce(t, peer, event("axion.svc", "GOOD", "one", `{}`))
			second := spoil(t, peer, "axion.svc", c.Batch)
			third := spoil(t, peer, "axion.svc", c.Batch)
			produce(t, peer, event("axion.svc", "GOOD", "two", `{}`))
			stop := runBus(t, b)
			both(t, handled)
			// Records before what is broken come one by one, and nobody handles them.
			for left := map[string]bool{fmt.Sprint(first): true, fmt.Sprint(second): true, fmt.Sprint(third): true}; len(left) > 0; {
				r := readRecord(t, peer)
				h := Headers(r.Headers)
				if h.Get(message.DeadBatch) == "" {
					continue
				}
				if string(r.Value[17:]) != string(c.Batch[17:]) || h.Get(message.DeadTopic) != "axion.svc" || !left[h.Get(message.DeadOffset)] ||
					!strings.HasPrefix(h.Get(message.DeadBatch), h.Get(message.DeadOffset)+"-") || h.Get(message.DeadError) == "" {
					t.Errorf("got %d bytes, %v, want those of one of %v", len(r.Value), h, left)
				}
				delete(left, h.Get(message.DeadOffset))
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			admin := kadm.NewClient(peer)
			ends, err := admin.ListEndOffsets(testContext(t), "axion.svc")
			if err != nil {
				t.Fatal(err)
			}
			commits, err := admin.FetchOffsets(testContext(t), groups.Name("svc"))
			if err != nil {
				t.Fatal(err)
			}
			end, _ := ends.Lookup("axion.svc", 0)
			if at, ok := commits.Lookup("axion.svc", 0); !ok || at.At != end.Offset {
				t.Errorf("got a commit of %d, want %d", at.At, end.Offset)
			}
		})
	}
}

// both waits for the messages behind the batches, which may be of different partitions.
func both(t *testing.T, keys <-chan string) {
	t.Helper()
	got := []string{receive(t, keys, "message behind a batch"), receive(t, keys, "message behind a batch")}
	if slices.Sort(got); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("got %v, want one and two", got)
	}
}

// TestUndecodableElsewhere: who follows a topic, who waits for a reply and who replays
// a topic gets past them too.
func TestUndecodableElsewhere(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	for _, c := range batchtest.Undecodable() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			brokers := startCluster(t).ListenAddrs()
			b := openBus(t, brokers, "svc")
			makeTopics(t, b, "feed")
			b.Handle("ASK", func(_ context.Context, m *Message) (any, error) { return "answer", nil })
			runBus(t, b)
			peer := plainClient(t, brokers)
			spoil(t, peer, "feed", c.Batch)
			produce(t, peer, event("feed", "GOOD", "one", `{}`))
			spoil(t, peer, "feed", c.Batch)

			var replayed []string
			if err := b.Topic("feed").Replay(testContext(t), func(m *Message) error {
				if m.Type == "GOOD" { // records before what is broken come too
					replayed = append(replayed, m.Key)
				}
				return nil
			}); err != nil {
				t.Errorf("replay: %v", err)
			}
			if len(replayed) != 1 || replayed[0] != "one" {
				t.Errorf("replayed %v, want one", replayed)
			}

			followed := make(chan string, 10)
			ctx, cancel := context.WithCancel(testContext(t))
			done := make(chan error, 1)
			go func() {
				done <- b.Topic("feed").Tail(ctx, func(_ context.Context, m *Message) {
					if m.Type == "GOOD" {
						followed <- m.Key
					}
				})
			}()
			produce(t, peer, event("feed", "GOOD", "two", `{}`))
			both(t, followed)
			cancel()
			if err := <-done; err != nil {
				t.Errorf("tail: %v", err)
			}

			for id := range int32(3) {
				if _, err := batchtest.Send(testContext(t), peer, "axion.svc.reply", id, c.Batch); err != nil {
					t.Fatal(err)
				}
			}
			var answer string
			if err := b.Request(testContext(t), Call{Topic: "axion.svc", Type: "ASK", Out: &answer}); err != nil || answer != "answer" {
				t.Errorf("request: got %q, %v", answer, err)
			}
		})
	}
}
