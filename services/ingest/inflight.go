package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// maxInFlightBytes bounds, in bytes, the events that wait for the broker: more than
// a local broker has on its way at any time, and little enough to hold while it
// is away.
const maxInFlightBytes = 64 << 20

var (
	errBusy    = errors.New("too many events wait for the broker")
	errStopped = errors.New("the service is stopping")
	errHeld    = errors.New("another instance of the service has not published it yet")
)

// pendingEvent is one item on its way to the broker. done is closed once receipt or
// err is set.
type pendingEvent struct {
	item
	size    int
	done    chan struct{}
	receipt Receipt
	err     error
	held    atomic.Bool // another instance has claimed it
}

// inFlight are the items under way, so that one which is sent again meanwhile
// waits for the first in place of being published twice.
type inFlight struct {
	mu    sync.Mutex
	byID  map[identity]*pendingEvent
	bytes int
	group sync.WaitGroup
	// running ends when nothing waits for the broker any more.
	running context.Context
	stop    context.CancelFunc
}

func newInFlight() *inFlight {
	running, stop := context.WithCancel(context.Background())
	return &inFlight{byID: map[identity]*pendingEvent{}, running: running, stop: stop}
}

// add returns the pending event of each item, and apart those that this call has
// added, which the caller must complete. Where there is no room it adds none.
func (f *inFlight) add(items []item) (all, added []*pendingEvent, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := 0
	for _, i := range items {
		if known := f.byID[i.identity]; known != nil {
			all = append(all, known)
			continue
		}
		fresh := &pendingEvent{item: i, size: i.record.Size(), done: make(chan struct{})}
		size += fresh.size
		f.byID[i.identity] = fresh
		all, added = append(all, fresh), append(added, fresh)
	}
	if f.bytes+size > maxInFlightBytes {
		for _, fresh := range added {
			delete(f.byID, fresh.identity)
		}
		return nil, nil, errBusy
	}
	f.bytes += size
	return all, added, nil
}

// reserve counts bytes that are no pending event's, until release.
func (f *inFlight) reserve(size int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes+size > maxInFlightBytes {
		return errBusy
	}
	f.bytes += size
	return nil
}

func (f *inFlight) release(size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes -= size
}

// complete ends events whose receipt or error is set.
func (f *inFlight) complete(ended []*pendingEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range ended {
		delete(f.byID, e.identity)
		f.bytes -= e.size
		close(e.done)
	}
}

// run waits until the service stops, and then for what is under way, which does not wait
// for the broker then.
func (f *inFlight) run(ctx context.Context) error {
	<-ctx.Done()
	f.stop()
	f.group.Wait()
	return nil
}
