package telemetry

import "sync/atomic"

// Follower hears of spans as they are added to a [Store]. Its reader may be slow:
// what does not fit is left out, and counted.
type Follower struct {
	// Spans are those that fit.
	Spans <-chan Span
	to    chan Span
	left  atomic.Int64
}

// Left tells how many spans were left out since it was last asked.
func (f *Follower) Left() int64 { return f.left.Swap(0) }

// Follow has a follower hear of each span from now on, of which room may wait,
// until stop is called.
func (s *Store) Follow(room int) (f *Follower, stop func()) {
	to := make(chan Span, room)
	f = &Follower{Spans: to, to: to}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.followers == nil {
		s.followers = map[*Follower]struct{}{}
	}
	s.followers[f] = struct{}{}
	return f, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.followers, f)
	}
}

// tell hands spans to the followers. The caller holds mu.
func (s *Store) tell(spans []Span) {
	for f := range s.followers {
		for i := range spans {
			select {
			case f.to <- spans[i]:
			default:
				f.left.Add(1)
			}
		}
	}
}
