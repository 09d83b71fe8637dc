package bus

import (
	"context"
	"runtime"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sender hands records to kgo in bursts. Without a linger kgo sends the first
// record that it is given at once, so that what goroutines produce side by side
// would go in as many requests. Here the first of them lets the others run before it
// hands over all that they have. Who sends one record after the other never waits.
// Records stay in order.
//
// No timer is involved: one that is due soon wakes the thread that waits for the
// network, once a record, which costs more than the burst saves.
type sender struct {
	produce func(context.Context, *kgo.Record, func(*kgo.Record, error))
	busy    func() bool // reports whether others may be about to send

	mu       sync.Mutex
	queue    []outgoing
	spare    []outgoing // a queue before, emptied
	flushing bool       // somebody is about to hand the queue over
}

type outgoing struct {
	record  *kgo.Record
	promise func(*kgo.Record, error)
}

// newSender returns a sender of a client's records; produce is one of its methods, and
// busy reports whether there are more goroutines than one that may send.
func newSender(client *kgo.Client, produce func(context.Context, *kgo.Record, func(*kgo.Record, error)), busy func() bool) *sender {
	return &sender{produce: produce, busy: func() bool { return busy() || client.BufferedProduceRecords() > 0 }}
}

// send is kgo's Produce, without a context: the record must not end with what it is
// sent for, and would take others of its batch along. It may return before the record
// is handed over.
func (s *sender) send(r *kgo.Record, promise func(*kgo.Record, error)) {
	s.mu.Lock()
	s.queue = append(s.queue, outgoing{r, promise})
	if s.flushing {
		s.mu.Unlock()
		return
	}
	s.flushing = true
	s.mu.Unlock()
	if s.busy() {
		runtime.Gosched()
	}
	s.flush()
}

// flush hands over what is there. What comes meanwhile has a goroutine of its own, so
// that who sends a record does not go on with those of others. It does not run twice at
// a time.
func (s *sender) flush() {
	s.mu.Lock()
	burst := s.queue
	s.queue, s.spare = s.spare, nil
	s.mu.Unlock()
	for _, o := range burst {
		s.produce(context.Background(), o.record, o.promise)
	}
	clear(burst)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = burst[:0]
	if s.flushing = len(s.queue) > 0; s.flushing {
		go s.flush()
	}
}
