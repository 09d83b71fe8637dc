package fault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"axion/web/view"
)

// Options of a [Registry].
type Options struct {
	// Gateway and Broker inject the faults of routes and of topics. They are required
	// unless Off says why not.
	Gateway, Broker Injector
	// Off says why no faults can be injected here. Empty means that they can.
	Off string
	// Log records each fault that starts and ends. Nil discards.
	Log *slog.Logger
}

// Registry keeps the faults. It is safe for concurrent use.
type Registry struct {
	opts Options

	mu      sync.Mutex
	closed  bool
	active  []*entry // oldest first
	recent  []Fault  // newest first
	changed chan struct{}
}

// entry is a fault that is on.
type entry struct {
	Fault
	handle view.FaultHandle
	timer  *time.Timer
}

// Errors of [Registry.Start].
var (
	errOff  = errors.New("faults are off")
	errFull = fmt.Errorf("%d faults are on already: end one first", maxActive)
)

// New returns a registry without faults. The caller closes it.
func New(o Options) *Registry {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Registry{opts: o, changed: make(chan struct{})}
}

// Start injects a fault, which ends by itself once its time is over.
func (r *Registry) Start(o view.FaultSpec) (Fault, error) {
	if r.opts.Off != "" {
		return Fault{}, fmt.Errorf("%w: %s", errOff, r.opts.Off)
	}
	if err := complete(&o); err != nil {
		return Fault{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Fault{}, fmt.Errorf("%w: the stack is stopping", errOff)
	}
	if len(r.active) == maxActive {
		return Fault{}, errFull
	}
	inject := r.opts.Broker
	if isRoute(o.Kind) {
		inject = r.opts.Gateway
	}
	handle, err := inject(o)
	if err != nil {
		return Fault{}, err
	}
	lasts := time.Duration(o.Seconds) * time.Second
	now := time.Now().UTC()
	e := &entry{Fault: Fault{ID: rand.Text()[:12], Text: describe(o), FaultSpec: o, At: now, Until: now.Add(lasts)}, handle: handle}
	e.timer = time.AfterFunc(lasts, func() { r.Stop(e.ID, "") })
	r.active = append(r.active, e)
	r.notify()
	r.opts.Log.Warn("a fault is on: "+e.Text, "id", e.ID, "seconds", o.Seconds)
	return e.snapshot(), nil
}

// Stop ends a fault before its time is over, and says why. It reports whether the
// fault was on.
func (r *Registry) Stop(id, why string) bool {
	e := r.remove(id)
	if e == nil {
		return false
	}
	e.timer.Stop()
	e.handle.End()
	r.mu.Lock()
	defer r.mu.Unlock()
	f := e.snapshot()
	ended := time.Now().UTC()
	f.Ended, f.Why, f.LeftMS = &ended, why, 0
	r.recent = append([]Fault{f}, r.recent[:min(len(r.recent), maxRecent-1)]...)
	r.notify()
	r.opts.Log.Info("a fault has ended: "+f.Text, "id", f.ID, "hits", f.Hits)
	return true
}

// remove takes a fault out of those that are on; it is nil where none has that id.
func (r *Registry) remove(id string) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range r.active {
		if e.ID == id {
			r.active = append(r.active[:i:i], r.active[i+1:]...)
			return e
		}
	}
	return nil
}

// StopAll ends every fault, and returns how many were on.
func (r *Registry) StopAll(why string) (ended int) {
	for _, f := range r.List().Items {
		if r.Stop(f.ID, why) {
			ended++
		}
	}
	return ended
}

// Close ends every fault. No other starts afterwards.
func (r *Registry) Close(context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.StopAll("the stack stopped")
	return nil
}

// List holds the faults that are on, and those that were.
type List struct {
	Available bool    `json:"available" doc:"Whether faults can be injected into this stack."`
	Reason    string  `json:"reason,omitempty" doc:"Why they cannot."`
	Items     []Fault `json:"items" doc:"Those that are on, oldest first."`
	Recent    []Fault `json:"recent" doc:"Those that ended, newest first."`
	Next      string  `json:"next" doc:"Always empty: both lists are given whole."`
}

// List returns the faults that are on, and those that were.
func (r *Registry) List() List {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list()
}

func (r *Registry) list() List {
	l := List{Available: r.opts.Off == "", Reason: r.opts.Off, Items: []Fault{}, Recent: append([]Fault{}, r.recent...)}
	for _, e := range r.active {
		l.Items = append(l.Items, e.snapshot())
	}
	return l
}

// snapshot is the fault with its present hits and remaining time.
func (e *entry) snapshot() Fault {
	f := e.Fault
	f.Hits, f.LeftMS = e.handle.Hits(), max(0, time.Until(f.Until).Milliseconds())
	return f
}

// notify wakes the watchers. The caller holds mu.
func (r *Registry) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Watch is a channel of pages: it sends the whole list at each change, and each
// second while a fault is on.
func (r *Registry) Watch(ctx context.Context, _ url.Values, send func(any) error) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		r.mu.Lock()
		list, changed := r.list(), r.changed
		r.mu.Unlock()
		if err := send(list); err != nil {
			return err
		}
		next := tick.C
		if len(list.Items) == 0 {
			next = nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-next:
		}
	}
}
