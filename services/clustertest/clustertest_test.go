package clustertest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStartKafka(t *testing.T) {
	t.Parallel()
	Slow(t)
	addr := StartKafka(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		t.Error(err)
	}
	t.Run("OK/empty", func(t *testing.T) { testEmpty(ctx, t, addr, client) })
}

// testEmpty: a test that begins as another has just made topics of the same names
// has them to itself, without a message.
func testEmpty(ctx context.Context, t *testing.T, addr string, client *kgo.Client) {
	admin, topics := kadm.NewClient(client), []string{"one", "two"}
	for range 10 {
		empty(t, []string{addr}, topics)
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: "one", Value: []byte("left")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		client.PurgeTopicsFromClient("one")
		if _, err := admin.DeleteTopics(ctx, "two"); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.CreateTopics(ctx, 3, -1, nil, "two"); err != nil { // listed only after the answer
			t.Fatal(err)
		}
	}
	empty(t, []string{addr}, topics)
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset != 0 {
			t.Errorf("%s/%d holds %d messages, want none", o.Topic, o.Partition, o.Offset)
		}
	})
}
