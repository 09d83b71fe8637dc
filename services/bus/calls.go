package bus

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// timerGap is the least time between two expiries of the calls' timer.
const timerGap = 5 * time.Millisecond

// answer is what a request gets: a record (nil for an empty end of a stream),
// a refusal by the service, or the failure to send it.
type answer struct {
	record  *kgo.Record
	refused bool
	reason  string
	err     error
}

// call is one request under way.
type call struct {
	accepted atomic.Bool
	takes    bool          // the caller takes parts
	last     *kgo.Record   // of the inbox's goroutine: the latest part of the answer
	changed  chan struct{} // signals that the state below has changed

	mu       sync.Mutex // guards the rest but at
	state    callState
	answered bool // there is an answer, taken by the caller or not

	at time.Time // when the call is due; zero: not again. Guarded by calls.mu
}

// callState is what has come for a caller since it last took it.
type callState struct {
	answer *answer
	parts  []*kgo.Record
	due    bool // the call's time has come: to look who listens, or to give up
}

// acknowledge takes the broker's word on the request.
func (c *call) acknowledge(_ *kgo.Record, err error) {
	if err != nil {
		c.finish(answer{err: err})
		return
	}
	c.accepted.Store(true)
}

// finish gives the answer, unless there is one.
func (c *call) finish(a answer) {
	c.mu.Lock()
	if c.answered {
		c.mu.Unlock()
		return
	}
	c.answered, c.state.answer = true, &a
	c.mu.Unlock()
	signal(c.changed)
}

// keep has a part wait for the caller, if it takes parts.
func (c *call) keep(r *kgo.Record) {
	if !c.takes {
		return
	}
	c.mu.Lock()
	c.state.parts = append(c.state.parts, r)
	c.mu.Unlock()
	signal(c.changed)
}

// take gives what is new.
func (c *call) take() callState {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := c.state
	c.state = callState{}
	return state
}

// calls are the requests under way, by correlation id, with one timer for all of them:
// one for each would be started and, mostly, stopped again within the request.
type calls struct {
	partition atomic.Int32 // where the answers are asked to go
	under     atomic.Int32 // how many there are

	mu      sync.Mutex // guards the rest, and the calls' at
	pending map[string]*call
	timer   *time.Timer
	next    time.Time // when the timer expires; zero: it is stopped
	err     error     // what ended them all
}

// add begins a call, which is due at a time.
func (c *calls) add(id string, parts bool, at time.Time) *call {
	p := &call{takes: parts, changed: make(chan struct{}, 1), at: at}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		p.finish(answer{err: c.err})
	}
	c.pending[id] = p
	c.under.Add(1)
	c.arm(at)
	return p
}

// postpone has a call be due once more.
func (c *calls) postpone(p *call, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.at = at
	c.arm(at)
}

// arm has the timer expire at a time, unless it does so before. A call that is answered
// leaves the timer as it is. The caller holds mu.
func (c *calls) arm(at time.Time) {
	if !c.next.IsZero() && !at.Before(c.next) {
		return
	}
	c.next = at
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(at), c.expire)
		return
	}
	c.timer.Reset(time.Until(at))
}

// expire signals the calls that are due, and arms the timer for the others.
func (c *calls) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var next time.Time
	for _, p := range c.pending {
		switch {
		case p.at.IsZero():
		case !p.at.After(now):
			p.at = time.Time{}
			p.mu.Lock()
			p.state.due = true
			p.mu.Unlock()
			signal(p.changed)
		case next.IsZero() || p.at.Before(next):
			next = p.at
		}
	}
	c.next = time.Time{}
	if !next.IsZero() {
		if soon := now.Add(timerGap); next.Before(soon) {
			next = soon
		}
		c.arm(next)
	}
}

func (c *calls) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
	c.under.Add(-1)
}

// find gives the call that an id belongs to, nil for none.
func (c *calls) find(id []byte) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending[string(id)]
}

// end answers all calls, those to come too, with an error.
func (c *calls) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	if c.timer != nil {
		c.timer.Stop()
	}
	for _, p := range c.pending {
		p.finish(answer{err: err})
	}
}

// deliver hands a reply to the call that waits for it. It reports whether
// there is one: late replies and those for other instances of the service on
// the same topic have none.
func (c *calls) deliver(r *kgo.Record) bool {
	var id, reason []byte
	var refused, disposed bool
	for i := range r.Headers {
		switch h := &r.Headers[i]; h.Key {
		case headerCorrelation:
			id = h.Value
		case headerError:
			refused, reason = true, h.Value
		case headerDisposed:
			disposed = true
		}
	}
	p := c.find(id)
	if p == nil {
		return false
	}
	switch {
	case refused:
		p.finish(answer{refused: true, reason: string(reason)})
	case disposed && r.Value == nil && p.last != nil:
		p.finish(answer{record: p.last}) // the end of a stream, on its own
	case disposed:
		if r.Value != nil {
			p.keep(r)
		}
		p.finish(answer{record: r})
	default:
		p.last = r
		p.keep(r)
	}
	return true
}
