package requester

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/conn"
	"axion/services/bus/message"
)

// timerGap is the least time between two expiries of the requests' timer.
const timerGap = 5 * time.Millisecond

// reply is the end of a request: a record (nil for an empty end of a stream),
// a refusal by the service, or the failure to send it.
type reply struct {
	record  *kgo.Record
	refused bool
	reason  string
	err     error
}

// pendingRequest is one request that waits for its answer.
type pendingRequest struct {
	accepted   atomic.Bool
	wantsParts bool          // the caller takes parts
	last       *kgo.Record   // the latest part of the answer; only the goroutine that reads replies uses it
	changed    chan struct{} // signals that the state below has changed

	mu       sync.Mutex // guards the rest but at
	state    requestState
	answered bool // there is a reply, whether the caller has read it or not

	at time.Time // when the request is due; zero: not again. Guarded by pendingRequests.mu
}

// requestState is what has come for a request since its caller last read it.
type requestState struct {
	reply *reply
	parts []*kgo.Record
	due   bool // the time has come to probe for a listener, or to fail
}

// acknowledge records the broker's acknowledgement of the request.
func (p *pendingRequest) acknowledge(_ *kgo.Record, err error) {
	if err != nil {
		p.finish(reply{err: err})
		return
	}
	p.accepted.Store(true)
}

// finish sets the reply, unless there is one.
func (p *pendingRequest) finish(r reply) {
	p.mu.Lock()
	if p.answered {
		p.mu.Unlock()
		return
	}
	p.answered, p.state.reply = true, &r
	p.mu.Unlock()
	conn.Signal(p.changed)
}

// addPart stores a part for the caller, if it takes parts.
func (p *pendingRequest) addPart(r *kgo.Record) {
	if !p.wantsParts {
		return
	}
	p.mu.Lock()
	p.state.parts = append(p.state.parts, r)
	p.mu.Unlock()
	conn.Signal(p.changed)
}

// changes returns what is new.
func (p *pendingRequest) changes() requestState {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := p.state
	p.state = requestState{}
	return state
}

// timeoutError is the error of a request that got no answer in time.
func (p *pendingRequest) timeoutError(c *Call, topic string, began time.Time) error {
	return &message.TimeoutError{
		Topic: topic, Service: c.Service, Type: c.Type, After: time.Since(began), Accepted: p.accepted.Load(),
	}
}

// deliverParts calls fn with the parts of an answer that have come.
func deliverParts(parts []*kgo.Record, fn func(json.RawMessage)) {
	for _, r := range parts {
		fn(message.JSONForm(r.Value, message.IsJSON(message.Headers(r.Headers).Get(message.HeaderContentType))))
	}
}

// pendingRequests are the requests that wait, by correlation id, with one timer for all
// of them: one for each would be started and, mostly, stopped again within the request.
type pendingRequests struct {
	partition atomic.Int32  // of the reply topic, where the answers go
	count     *atomic.Int32 // how many there are

	mu       sync.Mutex // guards the rest, and the requests' at
	requests map[string]*pendingRequest
	timer    *time.Timer
	next     time.Time // when the timer expires; zero: it is stopped
	err      error     // what ended them all
}

// add begins a request, which is due at a time.
func (s *pendingRequests) add(id string, wantsParts bool, at time.Time) *pendingRequest {
	p := &pendingRequest{wantsParts: wantsParts, changed: make(chan struct{}, 1), at: at}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		p.finish(reply{err: s.err})
	}
	s.requests[id] = p
	s.count.Add(1)
	s.arm(at)
	return p
}

// postpone sets the next time at which a request is due.
func (s *pendingRequests) postpone(p *pendingRequest, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.at = at
	s.arm(at)
}

// arm has the timer expire at a time, unless it does so before. A request that is
// answered leaves the timer as it is. The caller holds mu.
func (s *pendingRequests) arm(at time.Time) {
	if !s.next.IsZero() && !at.Before(s.next) {
		return
	}
	s.next = at
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(at), s.expire)
		return
	}
	s.timer.Reset(time.Until(at))
}

// expire signals the requests that are due, and arms the timer for the others.
func (s *pendingRequests) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var next time.Time
	for _, p := range s.requests {
		switch {
		case p.at.IsZero():
		case !p.at.After(now):
			p.at = time.Time{}
			p.mu.Lock()
			p.state.due = true
			p.mu.Unlock()
			conn.Signal(p.changed)
		case next.IsZero() || p.at.Before(next):
			next = p.at
		}
	}
	s.next = time.Time{}
	if !next.IsZero() {
		if soon := now.Add(timerGap); next.Before(soon) {
			next = soon
		}
		s.arm(next)
	}
}

// remove ends a request.
func (s *pendingRequests) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	s.count.Add(-1)
}

// find returns the request of an id, nil for none.
func (s *pendingRequests) find(id []byte) *pendingRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[string(id)]
}

// end fails all requests, those to come too, with an error.
func (s *pendingRequests) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	if s.timer != nil {
		s.timer.Stop()
	}
	for _, p := range s.requests {
		p.finish(reply{err: err})
	}
}

// deliver passes a record of the reply topic to the request that waits for it, and
// reports whether there is one: late replies and those for other instances of the
// service on the same topic have none.
func (s *pendingRequests) deliver(r *kgo.Record) bool {
	var id, reason []byte
	var refused, disposed bool
	for i := range r.Headers {
		switch h := &r.Headers[i]; h.Key {
		case message.HeaderCorrelation:
			id = h.Value
		case message.HeaderError:
			refused, reason = true, h.Value
		case message.HeaderDisposed:
			disposed = true
		}
	}
	p := s.find(id)
	if p == nil {
		return false
	}
	switch {
	case refused:
		p.finish(reply{refused: true, reason: string(reason)})
	case disposed && r.Value == nil && p.last != nil:
		p.finish(reply{record: p.last}) // the end of a stream, on its own
	case disposed:
		if r.Value != nil {
			p.addPart(r)
		}
		p.finish(reply{record: r})
	default:
		p.last = r
		p.addPart(r)
	}
	return true
}
