package bus

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestSender: a record is handed over at once, those that come while kgo takes it go
// together behind it, in their order, and none is left when nothing comes after them.
func TestSender(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"OKAlone": false, "OKBusy": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				taken, handed := make(chan struct{}), []string{}
				sends := &sender{busy: func() bool { return busy }, produce: func(_ context.Context, r *kgo.Record, _ func(*kgo.Record, error)) {
					handed = append(handed, r.Topic)
					<-taken
				}}
				go sends.send(&kgo.Record{Topic: "a"}, nil)
				synctest.Wait()
				for _, topic := range []string{"b", "c"} { // waits for nobody
					sends.send(&kgo.Record{Topic: topic}, nil)
				}
				if synctest.Wait(); !slices.Equal(handed, []string{"a"}) {
					t.Errorf("handed %v over while kgo takes the first", handed)
				}
				close(taken)
				if synctest.Wait(); !slices.Equal(handed, []string{"a", "b", "c"}) {
					t.Errorf("handed %v over", handed)
				}
				sends.send(&kgo.Record{Topic: "d"}, nil)
				if len(handed) != 4 {
					t.Errorf("handed %v over when nothing was under way", handed)
				}
			})
		})
	}
}

// TestSenderOrder: what one goroutine sends arrives in its order.
func TestSenderOrder(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 2000
	var got [senders][]int64
	var acknowledged sync.WaitGroup
	acknowledged.Add(senders * each)
	sends := &sender{busy: func() bool { return true }, produce: func(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
		got[r.Partition] = append(got[r.Partition], r.Offset)
		go promise(r, nil)
	}}
	for s := range int32(senders) {
		go func() {
			for i := range int64(each) {
				sends.send(&kgo.Record{Partition: s, Offset: i}, func(*kgo.Record, error) { acknowledged.Done() })
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
