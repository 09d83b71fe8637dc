package telemetry

import (
	"sync/atomic"
	"time"
)

// maxRoots is how many traces may begin in a second. What a person drives is
// below it; under load the rest go unrecorded, at next to no cost.
const maxRoots = 200

// sampler lets the first traces of each second be recorded.
type sampler struct {
	limit   int64
	second  atomic.Int64
	begun   atomic.Int64 // in that second
	skipped atomic.Int64
}

func newSampler(limit int64) *sampler { return &sampler{limit: limit} }

// allow reports whether one more trace may begin.
func (s *sampler) allow() bool {
	now := time.Now().Unix()
	if old := s.second.Load(); old != now && s.second.CompareAndSwap(old, now) {
		s.begun.Store(0)
	}
	if s.begun.Add(1) <= s.limit {
		return true
	}
	s.skipped.Add(1)
	return false
}
