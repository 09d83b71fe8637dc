// Package probe asks servers whether they are up: at intervals, and at once where a
// request needs one that is down.
package probe

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	// timeout is how long a request waits for a server that is down to come back.
	timeout = time.Second
	// spacing is the least time from a probe to the next.
	spacing = 100 * time.Millisecond
	// refusedInterval is how soon a server that nothing could connect to is asked again:
	// that costs next to nothing, and a port that listens is found at once.
	refusedInterval = time.Second
)

// Options of a [Loop].
type Options struct {
	// Ask asks the server; an error says why it is down.
	Ask func(ctx context.Context) error
	// Set takes the outcome of each probe before those who wait for it are released.
	Set func(failure error)
	// Interval is from a probe of a server that is up to the next, Unhealthy of one that
	// is down. Where Interval is zero, the server is asked only when a request wants it.
	Interval, Unhealthy time.Duration
	// Begin is closed once servers may be asked at all. Nil: they may be at once.
	Begin <-chan struct{}
}

// Loop asks one server, one probe at a time. It is safe for concurrent use.
type Loop struct {
	opts   Options
	wanted chan struct{} // a probe is wanted before it is due

	mu      sync.Mutex
	ended   time.Time      // the last probe
	waiting []chan<- error // for the probe that begins next
	closed  bool
}

// New returns a loop; Run runs it.
func New(opts Options) *Loop { return &Loop{opts: opts, wanted: make(chan struct{}, 1)} }

// Run probes from Options.Begin on, at once and then at intervals until ctx ends. It is to be called once.
func (l *Loop) Run(ctx context.Context) {
	defer l.close()
	if l.opts.Begin != nil {
		select {
		case <-l.opts.Begin:
		case <-ctx.Done():
			return
		}
	}
	if l.opts.Interval <= 0 && !l.rest(ctx, 0) {
		return
	}
	for {
		begun := l.begin()
		failure := l.opts.Ask(ctx)
		if ctx.Err() != nil {
			release(begun, ctx.Err())
			return
		}
		l.opts.Set(failure)
		l.end(begun, failure)
		if !l.rest(ctx, l.due(failure)) {
			return
		}
	}
}

// due is how long it is to the next probe; zero means until one is wanted.
func (l *Loop) due(failure error) time.Duration {
	if failure == nil || l.opts.Interval <= 0 {
		return l.opts.Interval
	}
	if dial, ok := errors.AsType[*net.OpError](failure); ok && dial.Op == "dial" && !dial.Timeout() {
		return min(l.opts.Unhealthy, refusedInterval)
	}
	return l.opts.Unhealthy
}

// rest returns when the next probe is due, or wanted; false where ctx has ended.
func (l *Loop) rest(ctx context.Context, due time.Duration) bool {
	var timer <-chan time.Time // never, where nothing is due
	if due > 0 {
		t := time.NewTimer(due)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer:
		return true
	case <-l.wanted:
	}
	l.mu.Lock()
	t := time.NewTimer(spacing - time.Since(l.ended))
	l.mu.Unlock()
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// begin takes over those who wait.
func (l *Loop) begin() []chan<- error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.wanted:
	default:
	}
	begun := l.waiting
	l.waiting = nil
	return begun
}

// end releases those who waited for the probe, and if it went well all.
func (l *Loop) end(begun []chan<- error, failure error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = time.Now()
	release(begun, failure)
	if failure == nil {
		release(l.waiting, nil)
		l.waiting = nil
	}
}

func release(waiting []chan<- error, failure error) {
	for _, w := range waiting {
		w <- failure // has room for it
	}
}

var errClosed = errors.New("the server is not asked any more")

func (l *Loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	release(l.waiting, errClosed)
	l.waiting = nil
}

// want has a probe begin whose outcome is sent to outcome, which must have room.
func (l *Loop) want(outcome chan<- error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		outcome <- errClosed
		return
	}
	l.waiting = append(l.waiting, outcome)
	l.signal()
}

func (l *Loop) signal() {
	select {
	case l.wanted <- struct{}{}:
	default:
	}
}

// Recheck has the server asked now, as a request has failed to reach it. It does not
// wait.
func (l *Loop) Recheck() { l.signal() }

// ProbeSoon has the server asked now, unless it was a moment ago. It does not wait.
func (l *Loop) ProbeSoon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.ended) >= refusedInterval {
		l.signal()
	}
}

// Wait has each of loops probe at once, and returns whether up is true: as soon as it
// is, or else when a probe of each that began after the call has failed, a second is
// over or ctx has ended. Requests that wait at the same time share their probes.
func Wait(ctx context.Context, loops []*Loop, up func() bool) bool {
	outcomes := make(chan error, len(loops))
	for _, l := range loops {
		l.want(outcomes)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for range loops {
		select {
		case err := <-outcomes:
			if err == nil && up() {
				return true
			}
		case <-timer.C:
			return up()
		case <-ctx.Done():
			return up()
		}
	}
	return up()
}
