package http1

import (
	"sync"
	"time"
)

// watchInterval is how soon it is noticed that a request has ended, by its client or otherwise.
const watchInterval = 50 * time.Millisecond

// cancelWatcher ends the waiting for servers on behalf of requests that have ended. It looks
// at all of them every beat: to have each context call back costs each request more
// than the rest of its forwarding.
type cancelWatcher struct {
	mu    sync.Mutex
	first *exchange
	timer *time.Timer // nil until it is needed
	armed bool
}

// add watches x, which waits on its deadline's connection, until remove.
func (w *cancelWatcher) add(x *exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x.cut, x.before, x.after = false, nil, w.first
	if w.first != nil {
		w.first.before = x
	}
	w.first = x
	if w.armed {
		return
	}
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(watchInterval, w.scan)
	} else {
		w.timer.Reset(watchInterval)
	}
}

// remove reports whether x was left alone until now.
func (w *cancelWatcher) remove(x *exchange) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if x.before != nil {
		x.before.after = x.after
	} else {
		w.first = x.after
	}
	if x.after != nil {
		x.after.before = x.before
	}
	x.before, x.after = nil, nil
	return !x.cut
}

func (w *cancelWatcher) scan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for x := w.first; x != nil; x = x.after {
		if !x.cut && x.r.Context().Err() != nil {
			x.cut = true
			x.deadline.expire(true)
		}
	}
	if w.armed = w.first != nil; w.armed {
		w.timer.Reset(watchInterval)
	}
}
