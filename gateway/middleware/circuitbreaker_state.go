package middleware

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// breaker lets requests through while it is closed. It opens when its condition
// holds; after the fallback's time it lets a growing part of them through, up to
// half, and is closed again if the condition does not hold until recovery is over.
type breaker struct {
	condition expression[*stats]
	source    string
	period    time.Duration // between checks of the condition
	fallback  time.Duration
	recovery  time.Duration
	log       *slog.Logger // nil discards

	closed atomic.Bool // state == breakerClosed, to be read without mu

	mu              sync.Mutex
	state           breakerState
	until           time.Time // of breakerOpen and breakerRecovering
	checkAt         time.Time
	allowed, denied int // while recovering
	stats           *stats
}

type breakerState int

const (
	breakerClosed breakerState = iota
	breakerOpen
	breakerRecovering
)

// admit says whether a request may pass.
func (b *breaker) admit() bool {
	if b.closed.Load() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.state == breakerOpen && !now.Before(b.until) {
		b.state, b.until = breakerRecovering, now.Add(b.recovery)
		b.allowed, b.denied = 0, 0
		b.log.Info("circuit breaker lets some requests through", "expression", b.source)
	}
	if b.state == breakerRecovering && now.After(b.until) {
		b.state = breakerClosed
		b.closed.Store(true)
		b.log.Info("circuit breaker closed", "expression", b.source)
	}
	if b.state != breakerRecovering {
		return b.state == breakerClosed
	}
	elapsed := b.recovery - b.until.Sub(now)
	target := 0.5 * float64(elapsed) / float64(b.recovery)
	if float64(b.allowed+1)/float64(b.allowed+b.denied+1) < target {
		b.allowed++
		return true
	}
	b.denied++
	return false
}

// observe counts one answer, and opens the breaker if it is time to check and the
// condition holds.
func (b *breaker) observe(status int, latency time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.stats.record(now, status, latency)
	if !now.After(b.checkAt) {
		return
	}
	b.checkAt = now.Add(b.period)
	if b.state == breakerOpen || !b.condition(b.stats) {
		return
	}
	b.state, b.until = breakerOpen, now.Add(b.fallback)
	b.closed.Store(false)
	b.stats.reset()
	b.log.Warn("circuit breaker opened", "expression", b.source)
}
