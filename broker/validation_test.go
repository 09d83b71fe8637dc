package broker

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/batch/batchtest"
)

// TestKfakeAcknowledges shows what kfake does without the guard: where it refuses
// these, the guard need not.
func TestKfakeAcknowledges(t *testing.T) {
	t.Parallel()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	backwards := false
	for _, m := range batchtest.Malformed() {
		before := c.PartitionInfo("a", 0).HighWatermark
		_, err := batchtest.Send(testContext(t), client, "a", 0, m.Batch)
		after := c.PartitionInfo("a", 0).HighWatermark
		if m.Name == "Count -5" {
			backwards = err == nil && after < before
		}
		if m.Name == "Gzip garbage" && err != nil {
			t.Errorf("kfake refuses what does not decompress: %v", err)
		}
	}
	if !backwards {
		t.Error("kfake refuses a count of -5")
	}
}

// TestValidation: what is refused leaves no trace, on any connection and version, and
// what is not gets the next offset.
func TestValidation(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	ctx := testContext(t)
	var clients []*kgo.Client
	for range 2 {
		client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		clients = append(clients, client)
	}
	next := int64(0)
	for i, m := range batchtest.Malformed() {
		if m.Version != 0 {
			continue // of an older version than the client's
		}
		client := clients[i%2]
		if _, err := batchtest.Send(ctx, client, "a", 0, m.Batch); err == nil {
			t.Errorf("%s: acknowledged", m.Name)
		}
		at, err := batchtest.Send(ctx, client, "a", 0, batchtest.Sound(int16(i%5), 2))
		if err != nil || at != next {
			t.Errorf("after %s: got offset %d, %v, want %d", m.Name, at, err, next)
		}
		next = at + 2
	}
	page, err := b.Admin().Read(ctx, Query{Topic: "a", Partition: 0, Offset: 0, Oldest: true, Limit: 500})
	if err != nil || int64(len(page.Items)) != next {
		t.Errorf("got %d messages, %v, want %d", len(page.Items), err, next)
	}
}

// TestValidationSettings: a topic's settings count as soon as they are changed.
func TestValidationSettings(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	ctx := testContext(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	noKey := batchtest.New(0, 1, batchtest.Encode(batchtest.Record{Value: []byte("v")}))
	for _, policy := range []string{"delete", "compact", "delete", "compact,delete"} {
		if _, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}}, "a"); err != nil {
			t.Fatal(err)
		}
		_, err := batchtest.Send(ctx, client, "a", 0, batchtest.Bytes(noKey))
		if want := strings.Contains(policy, "compact"); (err != nil) != want {
			t.Errorf("%s: got %v", policy, err)
		}
	}
}

// TestValidationBomb: while bombs are refused, others are served.
func TestValidationBomb(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bombs := make(chan error, 8)
	bomb := batchtest.Bomb(batchtest.Zstd, 1<<10)
	for range cap(bombs) {
		client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		go func() {
			_, err := batchtest.Send(ctx, client, "a", 0, bomb)
			bombs <- err
		}()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := batchtest.Send(ctx, client, "a", 1, batchtest.Sound(0, 1)); err != nil {
		t.Errorf("beside bombs: %v", err)
	}
	for range cap(bombs) {
		if err := <-bombs; err != kerr.MessageTooLarge {
			t.Errorf("a bomb: got %v", err)
		}
	}
}

// TestShowUndecodable: a batch that is in a topic already is shown as such, and what
// is beside it too.
func TestShowUndecodable(t *testing.T) {
	t.Parallel()
	for _, c := range batchtest.Undecodable() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			kf, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "a"))
			if err != nil {
				t.Fatal(err)
			}
			defer kf.Close()
			admin, err := NewAdmin(kf.ListenAddrs(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer admin.Close()
			ctx := testContext(t)
			var bad []int64
			for range 2 {
				at, err := batchtest.Send(ctx, admin.raw, "a", 0, c.Batch)
				if err != nil {
					t.Fatal(err)
				}
				bad = append(bad, at)
				if _, err := admin.Produce(ctx, &kgo.Record{Topic: "a", Key: []byte("good"), Value: []byte("needle")}); err != nil {
					t.Fatal(err)
				}
			}
			at, err := batchtest.Send(ctx, admin.raw, "a", 0, c.Batch)
			if err != nil {
				t.Fatal(err)
			}
			bad = append(bad, at)
			for _, oldest := range []bool{true, false} {
				good, shown := 0, 0
				q := Query{Topic: "a", Partition: -1, Offset: -1, Oldest: oldest, Limit: 500}
				for first := true; first || q.After != ""; first = false { // a read is bounded in time
					page, err := admin.Read(ctx, q)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range page.Items {
						if m.Undecodable != "" {
							shown++
						} else if m.Key == "good" {
							good++
						}
					}
					q.After = page.Next
				}
				if good != 2 || shown != len(bad) {
					t.Errorf("oldest first %v: got %d messages and %d batches, want 2 and %d", oldest, good, shown, len(bad))
				}
			}
			if r, err := admin.record(ctx, "a", 0, bad[2]+int64(len(bad))-3); err != nil || len(r.Value) == 0 && c.Name != "Count above records" {
				t.Errorf("one of them: got %v, %v", r, err)
			}
			found, err := admin.Search(ctx, "needle", 10)
			if err != nil || len(found.Items) != 2 && !found.Cut { // it takes a second at the most
				t.Errorf("search: got %d, %v, want 2", len(found.Items), err)
			}
		})
	}
}
