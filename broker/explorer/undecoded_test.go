package explorer

import (
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/admin"
	"axion/broker/batch/batchtest"
	"axion/broker/brokertest"
)

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
			a, err := admin.New(kf.ListenAddrs(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			reader := NewReader(a)
			ctx := brokertest.Context(t)
			var bad []int64
			for range 2 {
				at, err := batchtest.Send(ctx, a.Client(), "a", 0, c.Batch)
				if err != nil {
					t.Fatal(err)
				}
				bad = append(bad, at)
				if _, err := a.Produce(ctx, &kgo.Record{Topic: "a", Key: []byte("good"), Value: []byte("needle")}); err != nil {
					t.Fatal(err)
				}
			}
			at, err := batchtest.Send(ctx, a.Client(), "a", 0, c.Batch)
			if err != nil {
				t.Fatal(err)
			}
			bad = append(bad, at)
			for _, oldest := range []bool{true, false} {
				good, shown := 0, 0
				q := Query{Topic: "a", Partition: -1, Offset: -1, Oldest: oldest, Limit: 500}
				for first := true; first || q.After != ""; first = false { // a read is bounded in time
					page, err := reader.Read(ctx, q)
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
			if r, err := reader.record(ctx, "a", 0, bad[2]+int64(len(bad))-3); err != nil || len(r.Value) == 0 && c.Name != "Count above records" {
				t.Errorf("one of them: got %v, %v", r, err)
			}
			found, err := reader.Search(ctx, "needle", 10)
			if err != nil || len(found.Items) != 2 && !found.Cut { // it takes a second at the most
				t.Errorf("search: got %d, %v, want 2", len(found.Items), err)
			}
		})
	}
}
