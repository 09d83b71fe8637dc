// Package budget bounds what many connections together hold in memory.
package budget

import "sync"

// Budget is an amount of memory that is shared. It is safe for concurrent use.
type Budget struct {
	mu       sync.Mutex
	left     int64
	overdraw *Share        // the one that may take more than there is
	freed    chan struct{} // closed when something is given back
}

// New returns a budget of so many bytes. The one share that comes first when they
// are used up may take more than there are, so that shares that each hold a part of
// what they need do not wait for one another.
func New(bytes int64) *Budget { return &Budget{left: bytes, freed: make(chan struct{})} }

// Share is what one connection holds of a budget. It is for one goroutine; the zero
// value of Held holds nothing.
type Share struct {
	Of   *Budget
	held int64
}

// Take waits until there are n bytes more for the share. It reports false where done
// is closed before.
func (s *Share) Take(n int64, done <-chan struct{}) bool {
	for {
		freed, ok := s.try(n)
		if ok {
			return true
		}
		select {
		case <-freed:
		case <-done:
			return false
		}
	}
}

func (s *Share) try(n int64) (freed <-chan struct{}, ok bool) {
	b := s.Of
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < n && b.overdraw == nil {
		b.overdraw = s
	}
	if b.left < n && b.overdraw != s {
		return b.freed, false
	}
	b.left -= n
	s.held += n
	return nil, true
}

// Free gives back all that the share holds.
func (s *Share) Free() {
	if s.held == 0 {
		return
	}
	b := s.Of
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += s.held
	s.held = 0
	if b.overdraw == s {
		b.overdraw = nil
	}
	close(b.freed)
	b.freed = make(chan struct{})
}
