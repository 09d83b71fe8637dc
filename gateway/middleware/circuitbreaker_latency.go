package middleware

import (
	"math"
	"math/bits"
	"time"
)

const (
	// Latencies are counted over the last latencyParts of latencyPart.
	latencyParts = 6
	latencyPart  = 10 * time.Second
	maxLatency   = time.Hour
	// A power of two of microseconds is counted in 1<<latencyBits steps of equal width, so
	// that a latency is known to 1 %.
	latencyBits  = 7
	latencySteps = 25<<latencyBits + 1<<latencyBits // of maxLatency, which has 32 bits
)

// latencies counts latencies by their length, each for about a minute. Its zero value has
// none. It is not safe for concurrent use.
type latencies struct {
	parts    [latencyParts][latencySteps]uint32
	current  int
	rotateAt time.Time // when the next part begins; zero before the first latency
}

func (l *latencies) record(now time.Time, latency time.Duration) {
	if l.rotateAt.IsZero() {
		l.rotateAt = now.Add(latencyPart)
	}
	for i := 0; i < latencyParts && !now.Before(l.rotateAt); i++ {
		l.current = (l.current + 1) % latencyParts
		clear(l.parts[l.current][:])
		l.rotateAt = l.rotateAt.Add(latencyPart)
	}
	if !now.Before(l.rotateAt) { // it was quiet for longer than all parts
		l.rotateAt = now.Add(latencyPart)
	}
	l.parts[l.current][latencyStep(min(max(latency, time.Microsecond), maxLatency))]++
}

// atQuantile gives the latency that a percentage of all, from 0 to 100, do not exceed; 0
// where there is none.
func (l *latencies) atQuantile(percent float64) time.Duration {
	var total uint64
	var counts [latencySteps]uint64
	for i := range l.parts {
		for step, n := range &l.parts[i] {
			counts[step] += uint64(n)
			total += uint64(n)
		}
	}
	if total == 0 {
		return 0
	}
	rank := max(uint64(math.Round(min(percent, 100)/100*float64(total))), 1)
	for step, n := range &counts {
		if n >= rank {
			return latencyOf(step)
		}
		rank -= n
	}
	return maxLatency
}

// latencyStep gives the step in which a latency is counted.
func latencyStep(latency time.Duration) int {
	micros := uint64(latency.Microseconds())
	shift := max(bits.Len64(micros)-latencyBits-1, 0)
	return shift<<latencyBits + int(micros>>shift)
}

// latencyOf gives the longest latency of a step.
func latencyOf(step int) time.Duration {
	shift := max(step>>latencyBits-1, 0)
	return time.Duration((step-shift<<latencyBits+1)<<shift-1) * time.Microsecond
}
