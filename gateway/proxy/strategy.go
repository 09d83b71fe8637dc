package proxy

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"axion/gateway/config"
	"axion/gateway/wrr"
)

// picker chooses one of several for a request. It is safe for concurrent use.
type picker interface {
	pick(r *http.Request) int
}

// newPicker is the strategy of that name over weights, all positive, at least one.
// loadOf gives how busy each is.
func newPicker(strategy string, weights []int, names []string, loadOf func(i int) *load) (picker, error) {
	switch strategy {
	case "", config.StrategyWRR:
		return newWRR(weights), nil
	case config.StrategyP2C:
		return p2c{len(weights), loadOf}, nil
	case config.StrategyHRW:
		return hrw{weights, names}, nil
	case config.StrategyLeastTime:
		return leastTime{weights, loadOf}, nil
	}
	return nil, &unknownStrategy{strategy}
}

// unknownStrategy is a strategy that there is not.
type unknownStrategy struct{ name string }

func (e *unknownStrategy) Error() string { return fmt.Sprintf("strategy %q does not exist", e.name) }

// Hint is the hint shown with the error.
func (e *unknownStrategy) Hint() string { return "the strategies are wrr, p2c, hrw and leasttime" }

// load is how busy a server is.
type load struct {
	active  atomic.Int64
	latency atomic.Int64 // to the first byte, smoothed, in nanoseconds
}

// begin counts a request; its end is called with the time to the first byte, 0 where
// none came.
func (l *load) begin() { l.active.Add(1) }

func (l *load) end(took time.Duration) {
	l.active.Add(-1)
	if took <= 0 {
		return
	}
	const share = 10 // of the new value in the smoothed one
	was := l.latency.Load()
	if was == 0 {
		l.latency.Store(int64(took))
		return
	}
	l.latency.Store(was + (int64(took)-was)/share)
}

// roundRobin takes each in its turn.
type roundRobin struct {
	n    uint64
	turn atomic.Uint64
}

func (b *roundRobin) pick(*http.Request) int { return int((b.turn.Add(1) - 1) % b.n) }

// weightedRoundRobin takes each in its turn, as often as its weight says.
type weightedRoundRobin struct{ *wrr.Balancer }

func (b weightedRoundRobin) pick(*http.Request) int { return b.Next(nil) }

func newWRR(weights []int) picker {
	if !slices.ContainsFunc(weights, func(w int) bool { return w != weights[0] }) {
		return &roundRobin{n: uint64(len(weights))}
	}
	return weightedRoundRobin{wrr.New(weights)}
}

// p2c takes the less busy of two chosen at random.
type p2c struct {
	n      int
	loadOf func(i int) *load
}

func (p p2c) pick(*http.Request) int {
	if p.n == 1 {
		return 0
	}
	a, b := rand.IntN(p.n), rand.IntN(p.n-1)
	if b >= a {
		b++
	}
	if p.loadOf(b).active.Load() < p.loadOf(a).active.Load() {
		return b
	}
	return a
}

// hrw takes the one with the highest weight for the client's address (rendezvous
// hashing), so that a client stays where it is while others come and go.
type hrw struct {
	weights []int
	names   []string
}

func (h hrw) pick(r *http.Request) int {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	best, most := 0, math.Inf(-1)
	for i, name := range h.names {
		f := fnv.New64a()
		_, _ = f.Write([]byte(client))
		_, _ = f.Write([]byte(name))
		// The mixed hash as a number between 0 and 1.
		x := (float64(fmix64(f.Sum64())>>11) + 0.5) / (1 << 53)
		if score := -float64(h.weights[i]) / math.Log(x); score > most {
			best, most = i, score
		}
	}
	return best
}

// fmix64 spreads a hash over all its bits.
func fmix64(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// leastTime takes the one that would answer first: by the time to the first byte and
// the requests that wait there.
type leastTime struct {
	weights []int
	loadOf  func(i int) *load
}

func (l leastTime) pick(*http.Request) int {
	start := rand.IntN(len(l.weights)) // equals take turns
	best, least := start, math.Inf(1)
	for n := range l.weights {
		i := (start + n) % len(l.weights)
		g := l.loadOf(i)
		score := float64(g.latency.Load()+1) * float64(g.active.Load()+1) / float64(l.weights[i])
		if score < least {
			best, least = i, score
		}
	}
	return best
}
