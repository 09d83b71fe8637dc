package process

import (
	"context"
	"time"
)

// Health is compose's healthcheck.
type Health struct {
	// Check says what is wrong, or nil. Nil checks nothing.
	Check       func(ctx context.Context) error
	Interval    time.Duration // between checks; 0 is 30 s
	Timeout     time.Duration // of one; 0 is 30 s
	Retries     int           // failures in a row until it is unhealthy; 0 is 3
	StartPeriod time.Duration // in which failures do not count
	// StartInterval is between checks until the first that passes; 0 is 500 ms, which is
	// sooner than compose's: a check costs nothing that is worth a wait here.
	StartInterval time.Duration
}

// Defaults of [Health], compose's but for the last.
const (
	DefaultHealthInterval      = 30 * time.Second
	DefaultHealthTimeout       = 30 * time.Second
	DefaultHealthRetries       = 3
	DefaultHealthStartInterval = 500 * time.Millisecond
)

func orDefault[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// patience is how long a process may take until its first success: compose's time, though
// its checks come sooner.
func (h Health) patience() time.Duration {
	retries := time.Duration(orDefault(h.Retries, DefaultHealthRetries))
	return h.StartPeriod + (retries-1)*orDefault(h.Interval, DefaultHealthInterval)
}

// watch checks until ctx ends, and reports the first success and each change after it:
// nil, or why the process is unhealthy, which may become another.
func (h Health) watch(ctx context.Context, report func(error)) {
	began, failures, passed, sick, last := time.Now(), 0, false, false, ""
	for {
		err := h.once(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			if !passed || sick {
				report(nil)
			}
			failures, passed, sick, last = 0, true, false, ""
		case !passed && time.Since(began) < h.patience():
			failures = orDefault(h.Retries, DefaultHealthRetries) - 1 // one more counts
		default:
			failures++
			sick = sick || failures >= orDefault(h.Retries, DefaultHealthRetries)
			if sick && err.Error() != last {
				last = err.Error()
				report(err)
			}
		}
		wait := orDefault(h.Interval, DefaultHealthInterval)
		if !passed {
			wait = min(wait, orDefault(h.StartInterval, DefaultHealthStartInterval))
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

func (h Health) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, orDefault(h.Timeout, DefaultHealthTimeout))
	defer cancel()
	return h.Check(ctx)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
