package conn

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestBatcher: a record is passed on at once, those that are queued while kgo accepts it follow
// together, in their order, and none is left when nothing comes after them.
func TestBatcher(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"OKAlone": false, "OKBusy": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				accepted, passed := make(chan struct{}), []string{}
				sends := &Batcher{busy: func() bool { return busy }, produce: func(r *kgo.Record, _ func(*kgo.Record, error)) {
					passed = append(passed, r.Topic)
					<-accepted
				}}
				go sends.Send(&kgo.Record{Topic: "a"}, nil)
				synctest.Wait()
				for _, topic := range []string{"b", "c"} { // never waits
					sends.Send(&kgo.Record{Topic: topic}, nil)
				}
				if synctest.Wait(); !slices.Equal(passed, []string{"a"}) {
					t.Errorf("passed %v on while kgo accepts the first", passed)
				}
				close(accepted)
				if synctest.Wait(); !slices.Equal(passed, []string{"a", "b", "c"}) {
					t.Errorf("passed %v on", passed)
				}
				sends.Send(&kgo.Record{Topic: "d"}, nil)
				if len(passed) != 4 {
					t.Errorf("passed %v on with an empty queue", passed)
				}
			})
		})
	}
}

// TestBatcherOrder: what one goroutine sends arrives in its order.
func TestBatcherOrder(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 2000
	var got [senders][]int64
	var acknowledged sync.WaitGroup
	acknowledged.Add(senders * each)
	sends := &Batcher{busy: func() bool { return true }, produce: func(r *kgo.Record, promise func(*kgo.Record, error)) {
		got[r.Partition] = append(got[r.Partition], r.Offset)
		go promise(r, nil)
	}}
	for s := range int32(senders) {
		go func() {
			for i := range int64(each) {
				sends.Send(&kgo.Record{Partition: s, Offset: i}, func(*kgo.Record, error) { acknowledged.Done() })
			}
		}()
	}
	acknowledged.Wait()
	for s := range got {
		if len(got[s]) != each || !slices.IsSorted(got[s]) {
			t.Errorf("sender %d: %d records, sorted: %v", s, len(got[s]), slices.IsSorted(got[s]))
		}
	}
}
