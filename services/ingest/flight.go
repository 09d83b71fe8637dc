package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"axion/services/bus"
)

// maxUnderway bounds, in bytes, the events that wait for the broker: more than
// a local broker has on its way at any time, and little enough to hold while it
// is away.
const maxUnderway = 64 << 20

var (
	errBusy    = errors.New("too many events wait for the broker")
	errStopped = errors.New("the service is stopping")
	errHeld    = errors.New("another instance of the service has not published it yet")
)

// item is what is to be published once.
type item struct {
	identity identity
	record   bus.Record
}

// flight is one item on its way to the broker. done is closed once receipt or
// err is set.
type flight struct {
	item
	size    int
	done    chan struct{}
	receipt Receipt
	err     error
	held    atomic.Bool // another instance has claimed it
}

// flights are the items under way, so that one which is sent again meanwhile
// waits for the first in place of being published twice.
type flights struct {
	mu    sync.Mutex
	under map[identity]*flight
	bytes int
	group sync.WaitGroup
	// life ends when nobody waits for the broker any more.
	life context.Context
	end  context.CancelFunc
}

func newFlights() flights {
	life, end := context.WithCancel(context.Background())
	return flights{under: map[identity]*flight{}, life: life, end: end}
}

// board returns the flight of each item, and apart those that this call has
// begun and must land. Where there is no room it begins none.
func (f *flights) board(items []item) (all, begun []*flight, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := 0
	for _, i := range items {
		if known := f.under[i.identity]; known != nil {
			all = append(all, known)
			continue
		}
		fresh := &flight{item: i, size: i.record.Size(), done: make(chan struct{})}
		size += fresh.size
		f.under[i.identity] = fresh
		all, begun = append(all, fresh), append(begun, fresh)
	}
	if f.bytes+size > maxUnderway {
		for _, fresh := range begun {
			delete(f.under, fresh.identity)
		}
		return nil, nil, errBusy
	}
	f.bytes += size
	return all, begun, nil
}

// reserve makes room for bytes that are no flight's, until release.
func (f *flights) reserve(size int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes+size > maxUnderway {
		return errBusy
	}
	f.bytes += size
	return nil
}

func (f *flights) release(size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes -= size
}

// land ends the flights.
func (f *flights) land(ended []*flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range ended {
		delete(f.under, e.identity)
		f.bytes -= e.size
		close(e.done)
	}
}

// run waits until the service stops, and then for what is under way, which the
// broker's silence does not hold up.
func (f *flights) run(ctx context.Context) error {
	<-ctx.Done()
	f.end()
	f.group.Wait()
	return nil
}
