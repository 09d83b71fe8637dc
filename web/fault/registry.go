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
)

// Options of a [Registry].
type Options struct {
	// Gateway and Broker break routes and topics. They are required unless Off
	// says why not.
	Gateway, Broker Break
	// Off says why this stack breaks nothing. Empty means that it does.
	Off string
	// Log tells of each fault that begins and ends. Nil discards.
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
	broken Broken
	timer  *time.Timer
}

// Errors of [Registry.Begin].
var (
	errOff  = errors.New("faults are off")
	errFull = fmt.Errorf("%d faults are on already: end one first", maxActive)
)

// New makes a registry without faults. Close ends those that it gets.
func New(o Options) *Registry {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Registry{opts: o, changed: make(chan struct{})}
}

// Begin breaks what the order says until its time is over.
func (r *Registry) Begin(o Order) (Fault, error) {
	if r.opts.Off != "" {
		return Fault{}, fmt.Errorf("%w: %s", errOff, r.opts.Off)
	}
	if err := o.complete(); err != nil {
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
	part := r.opts.Broker
	if o.route() {
		part = r.opts.Gateway
	}
	broken, err := part(o)
	if err != nil {
		return Fault{}, err
	}
	lasts := time.Duration(o.Seconds) * time.Second
	now := time.Now().UTC()
	e := &entry{Fault: Fault{ID: rand.Text()[:12], Text: o.String(), Order: o, At: now, Until: now.Add(lasts)}, broken: broken}
	e.timer = time.AfterFunc(lasts, func() { r.End(e.ID, "") })
	r.active = append(r.active, e)
	r.tell()
	r.opts.Log.Warn("a fault is on: "+e.Text, "id", e.ID, "seconds", o.Seconds)
	return e.now(), nil
}

// End ends a fault and says why, unless that is for its time. It reports
// whether it was on.
func (r *Registry) End(id, why string) bool {
	e := r.take(id)
	if e == nil {
		return false
	}
	e.timer.Stop()
	e.broken.End()
	r.mu.Lock()
	defer r.mu.Unlock()
	f := e.now()
	ended := time.Now().UTC()
	f.Ended, f.Why, f.LeftMS = &ended, why, 0
	r.recent = append([]Fault{f}, r.recent[:min(len(r.recent), maxRecent-1)]...)
	r.tell()
	r.opts.Log.Info("a fault has ended: "+f.Text, "id", f.ID, "hits", f.Hits)
	return true
}

// take removes a fault from those that are on.
func (r *Registry) take(id string) *entry {
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

// EndAll ends every fault, and returns how many were on.
func (r *Registry) EndAll(why string) (ended int) {
	for _, f := range r.List().Items {
		if r.End(f.ID, why) {
			ended++
		}
	}
	return ended
}

// Close ends every fault and takes no more.
func (r *Registry) Close(context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.EndAll("the stack stopped")
	return nil
}

// List is what is on, and what was.
type List struct {
	Available bool    `json:"available" doc:"Whether this stack can be broken."`
	Reason    string  `json:"reason,omitempty" doc:"Why it cannot."`
	Items     []Fault `json:"items" doc:"Those that are on, oldest first."`
	Recent    []Fault `json:"recent" doc:"Those that ended, newest first."`
	Next      string  `json:"next" doc:"Always empty: both lists are given whole."`
}

// List tells what is on, and what was.
func (r *Registry) List() List {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list()
}

func (r *Registry) list() List {
	l := List{Available: r.opts.Off == "", Reason: r.opts.Off, Items: []Fault{}, Recent: append([]Fault{}, r.recent...)}
	for _, e := range r.active {
		l.Items = append(l.Items, e.now())
	}
	return l
}

// now is the fault as it stands.
func (e *entry) now() Fault {
	f := e.Fault
	f.Hits, f.LeftMS = e.broken.Hits(), max(0, time.Until(f.Until).Milliseconds())
	return f
}

// tell wakes those who watch. The caller holds mu.
func (r *Registry) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Watch is the channel of a page: the whole list at each change, and each second
// while a fault is on.
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
		beat := tick.C
		if len(list.Items) == 0 {
			beat = nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-beat:
		}
	}
}
