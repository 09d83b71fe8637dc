package bus

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// holdTime is how long records wait for the acknowledgement of those before them, at
// the longest: a topic may be without a leader.
const holdTime = 500 * time.Microsecond

// sender hands records to kgo in bursts. Without a linger kgo sends the first
// record that it is given at once, so that what goroutines produce side by side
// would go in as many requests. Here the first of them lets the others run before it
// hands over all that they have; what comes then waits until that is acknowledged, for
// holdTime at most. Who sends one record after the other never waits. Records stay in
// order.
type sender struct {
	produce func(context.Context, *kgo.Record, func(*kgo.Record, error))
	timer   *time.Timer // ends the wait for the burst in timed

	mu     sync.Mutex
	queue  []outgoing
	spare  []outgoing // a queue before, emptied
	held   bool       // the queue waits: for others to run, or for a burst
	bursts uint64     // how many there were, and how many waits for one have ended
	timed  uint64
}

type outgoing struct {
	record  *kgo.Record
	promise func(*kgo.Record, error)
}

func newSender(produce func(context.Context, *kgo.Record, func(*kgo.Record, error))) *sender {
	s := &sender{produce: produce}
	s.timer = time.AfterFunc(holdTime, s.late)
	s.timer.Stop()
	return s
}

// send is kgo's Produce, without a context: the record must not end with what it is
// sent for, and would take others of its batch along. It may return before the record
// is handed over.
func (s *sender) send(r *kgo.Record, promise func(*kgo.Record, error)) {
	s.mu.Lock()
	s.queue = append(s.queue, outgoing{r, promise})
	if s.held {
		s.mu.Unlock()
		return
	}
	s.held = true
	s.mu.Unlock()
	s.flush()
}

// flush hands over what is there, and has the rest wait for it. It does not run twice
// at a time.
func (s *sender) flush() {
	runtime.Gosched()
	s.mu.Lock()
	burst := s.queue
	s.queue, s.spare = s.spare, nil
	s.bursts++
	number := s.bursts
	s.mu.Unlock()
	last := &burst[len(burst)-1]
	promise := last.promise
	last.promise = func(r *kgo.Record, err error) {
		s.next(number)
		promise(r, err)
	}
	for _, o := range burst {
		s.produce(context.Background(), o.record, o.promise)
	}
	clear(burst)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = burst[:0]
	if s.bursts == number { // not acknowledged yet
		s.timed = number
		s.timer.Reset(holdTime)
	}
}

func (s *sender) late() {
	s.mu.Lock()
	number := s.timed
	s.mu.Unlock()
	s.next(number)
}

// next ends the wait for a burst, unless it has ended.
func (s *sender) next(burst uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.held || s.bursts != burst {
		return
	}
	s.bursts++
	s.timer.Stop()
	if s.held = len(s.queue) > 0; s.held {
		go s.flush()
	}
}
