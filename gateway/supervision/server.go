package supervision

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Server is one server of a [Set]. It is safe for concurrent use.
type Server struct {
	set     *Set
	address string
	now     atomic.Pointer[State] // what counts; nil where nothing supervises the server
	active  atomic.Int64          // requests under way, where something does
	drained atomic.Pointer[chan struct{}]
	reached atomic.Bool // it was up, or has answered, since it was last looked for in vain

	mu       sync.Mutex
	reported *State
	lost     bool // it was reported as up, cannot be reached, and is looked for
	watchers map[*func()]bool
}

// State is what is known now; nil where nothing supervises the server.
func (s *Server) State() *State { return s.now.Load() }

// Ready reports whether requests may be sent.
func (s *Server) Ready() bool {
	now := s.now.Load()
	return now == nil || now.Up
}

// Begin counts a request that is about to be sent, and reports whether it may be. End is to
// be called once it has ended.
func (s *Server) Begin() bool {
	s.active.Add(1)
	if s.Ready() { // looked at after it was counted: a drain that begins now waits for it
		return true
	}
	s.End()
	return false
}

// End ends what Begin began.
func (s *Server) End() {
	if s.active.Add(-1) > 0 {
		return
	}
	if done := s.drained.Swap(nil); done != nil {
		close(*done)
	}
}

// drain waits until no request is under way, or ctx ends.
func (s *Server) drain(ctx context.Context) {
	for s.active.Load() > 0 {
		done := make(chan struct{})
		if !s.drained.CompareAndSwap(nil, &done) {
			done = nil // another one waits already
		} else if s.active.Load() == 0 {
			s.drained.CompareAndSwap(&done, nil)
			return
		}
		select {
		case <-done:
		case <-time.After(interval):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) watch(changed func()) *func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[&changed] = true
	return &changed
}

// unwatch reports whether nobody is interested in the server any more.
func (s *Server) unwatch(key *func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, key)
	return len(s.watchers) == 0 && s.reported == nil
}

func (s *Server) report(state *State) {
	s.mu.Lock()
	if state.Up && (s.reported == nil || !s.reported.Up) {
		s.reached.Store(true)
	}
	s.reported = state
	s.lost = s.lost && state.Up
	s.publish()
}

// publish makes what counts of what is reported and found out. The caller holds mu, which
// is released.
func (s *Server) publish() {
	now := *s.reported
	if s.lost {
		now.Up = false
		if now.Detail == "" {
			now.Detail = now.Service + " does not listen at " + s.address + " for the moment"
		}
	}
	s.now.Store(&now)
	watchers := make([]func(), 0, len(s.watchers))
	for w := range s.watchers {
		watchers = append(watchers, *w)
	}
	s.mu.Unlock()
	for _, changed := range watchers {
		changed()
	}
}

// Reached notes that the server has answered.
func (s *Server) Reached() {
	if s.now.Load() != nil && !s.reached.Load() {
		s.reached.Store(true)
	}
}

// Lost notes that a request got no answer of the server. A server that was reached before,
// and for which requests wait, counts as not up until it can be connected to, or the time
// that they wait is over: what restarts itself, as with a watch of its own, is gone for a
// moment that nothing reports. It reports whether the server may be back soon.
func (s *Server) Lost() bool {
	s.mu.Lock()
	switch {
	case s.reported == nil || s.reported.Hold == 0:
		s.mu.Unlock()
		return false
	case !s.reported.Up || s.lost:
		s.mu.Unlock()
		return true
	case !s.reached.Load():
		s.mu.Unlock()
		return false
	}
	s.lost = true
	limit := s.reported.Hold + time.Second // no request that waits is to be sent there once more
	s.publish()
	s.set.look(func(ctx context.Context) { s.find(ctx, limit) })
	return true
}

// interval is how often a server that is gone for a moment is looked for.
const interval = 25 * time.Millisecond

// find looks for the server until it can be connected to, something else is reported, or
// the time is over.
func (s *Server) find(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.found(false)
			return
		case <-ticker.C:
		}
		s.mu.Lock()
		over := !s.lost
		s.mu.Unlock()
		if over {
			return
		}
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", s.address); err == nil {
			_ = c.Close()
			s.found(true)
			return
		}
	}
}

// found ends the search. One in vain is not repeated until the server has answered again.
func (s *Server) found(ok bool) {
	s.mu.Lock()
	if !s.lost {
		s.mu.Unlock()
		return
	}
	if s.lost = false; !ok {
		s.reached.Store(false)
	}
	s.publish()
}
