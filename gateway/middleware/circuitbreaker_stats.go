package middleware

import (
	"net/http"
	"time"
)

const (
	// Answers are counted over the last window seconds.
	window = 10

	latencyFunction = "LatencyAtQuantileMS"
)

// breakerFunctions are what a circuit breaker's expression may call.
var breakerFunctions = map[string]function[*stats]{
	latencyFunction: {1, func(q []float64) operand[*stats] {
		return operand[*stats]{number: func(s *stats) float64 { return s.latency(q[0]) }}
	}},
	"NetworkErrorRatio": {0, func([]float64) operand[*stats] {
		return operand[*stats]{number: (*stats).networkErrors}
	}},
	"ResponseCodeRatio": {4, func(a []float64) operand[*stats] {
		return operand[*stats]{number: func(s *stats) float64 {
			return ratio(s.count(a[0], a[1]), s.count(a[2], a[3]))
		}}
	}},
}

// stats counts answers by second. It is not safe for concurrent use.
type stats struct {
	seconds   [window]second
	now       int64      // the second of the last record
	latencies *latencies // nil where nobody asks
}

// second is what was answered within one: few statuses, so a list will do.
type second struct {
	at     int64 // in Unix time
	counts []statusCount
}

type statusCount struct {
	status int
	count  uint64
}

func newStats(withLatency bool) *stats {
	s := &stats{}
	if withLatency {
		s.latencies = &latencies{}
	}
	return s
}

func (s *stats) record(now time.Time, status int, latency time.Duration) {
	s.now = now.Unix()
	in := &s.seconds[s.now%window]
	if in.at != s.now {
		in.at, in.counts = s.now, in.counts[:0]
	}
	in.add(status)
	if s.latencies != nil {
		s.latencies.record(now, latency)
	}
}

func (s *second) add(status int) {
	for i := range s.counts {
		if s.counts[i].status == status {
			s.counts[i].count++
			return
		}
	}
	s.counts = append(s.counts, statusCount{status, 1})
}

// count is how many answers had a status from that, up to but without the other.
func (s *stats) count(from, to float64) (n uint64) {
	for i := range s.seconds {
		if s.now-s.seconds[i].at >= window {
			continue
		}
		for _, c := range s.seconds[i].counts {
			if float64(c.status) >= from && float64(c.status) < to {
				n += c.count
			}
		}
	}
	return n
}

// networkErrors is the part of answers that say that no server answered.
func (s *stats) networkErrors() float64 {
	failed := s.count(http.StatusBadGateway, http.StatusBadGateway+1) +
		s.count(http.StatusGatewayTimeout, http.StatusGatewayTimeout+1)
	return ratio(failed, s.count(0, 1000))
}

// latency is in whole milliseconds, at a quantile from 0 to 100.
func (s *stats) latency(quantile float64) float64 {
	return float64(s.latencies.atQuantile(quantile).Milliseconds())
}

func (s *stats) reset() { *s = *newStats(s.latencies != nil) }

func ratio(part, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(part) / float64(of)
}
