package bus

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sent keeps what a sender hands over, and acknowledges it when told to.
type sent struct {
	mu       sync.Mutex
	topics   []string
	promises []func(*kgo.Record, error)
}

func (s *sent) produce(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics, s.promises = append(s.topics, r.Topic), append(s.promises, promise)
}

func (s *sent) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.topics, " ")
}

func (s *sent) acknowledge(i int) {
	s.mu.Lock()
	promise := s.promises[i]
	s.mu.Unlock()
	promise(nil, nil)
}

func TestSender(t *testing.T) {
	t.Parallel()
	type steps struct {
		send func(topic string)
		kgo  *sent
		// want says what has been handed over when all goroutines wait.
		want func(topics string)
	}
	for name, run := range map[string]func(*steps){
		"OKFirst": func(s *steps) {
			s.send("a")
			s.want("a")
			s.kgo.acknowledge(0)
			s.send("b")
			s.want("a b")
		},
		"OKHeld": func(s *steps) {
			s.send("a")
			s.send("b")
			s.send("c")
			s.want("a")
			s.kgo.acknowledge(0)
			s.want("a b c")
			s.send("d")
			s.kgo.acknowledge(1) // the burst ends with its last
			s.want("a b c")
			s.kgo.acknowledge(2)
			s.want("a b c d")
		},
		"OKLate": func(s *steps) {
			s.send("a")
			s.send("b")
			time.Sleep(holdTime)
			s.want("a b")
			s.send("c")
			s.kgo.acknowledge(0) // nobody waits for it any more
			s.want("a b")
			s.kgo.acknowledge(1)
			s.want("a b c")
			time.Sleep(holdTime)
			s.send("d")
			s.want("a b c d")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				kgoSide := &sent{}
				sends := newSender(kgoSide.produce)
				run(&steps{
					send: func(topic string) { sends.send(&kgo.Record{Topic: topic}, func(*kgo.Record, error) {}) },
					kgo:  kgoSide,
					want: func(topics string) {
						t.Helper()
						synctest.Wait()
						if got := kgoSide.String(); got != topics {
							t.Errorf("got %q handed over, want %q", got, topics)
						}
					},
				})
			})
		})
	}
}

// TestSenderOrder: what one goroutine sends arrives in its order, whenever the bursts
// of all are acknowledged.
func TestSenderOrder(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 2000
	var got [senders][]int64
	var acknowledged sync.WaitGroup
	acknowledged.Add(senders * each)
	sends := newSender(func(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
		got[r.Partition] = append(got[r.Partition], r.Offset)
		go promise(r, nil)
	})
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
