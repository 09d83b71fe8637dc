package broker

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/batch/batchtest"
	"axion/broker/explorer"
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
	page, err := explorer.NewReader(b.Admin()).Read(ctx, explorer.Query{Topic: "a", Partition: 0, Offset: 0, Oldest: true, Limit: 500})
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
