// Package fault breaks the requests of chosen routers on purpose: it delays
// them, answers them with an error, or drops them without an answer.
package fault

import (
	"axion/web/view"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kinds of faults.
const (
	Delay = view.FaultRouteDelay // the service gets the request later
	Error = view.FaultRouteError // the gateway answers with Status, the service is not asked
	Drop  = view.FaultRouteDrop  // the connection, or the stream of it, ends without an answer
)

// Fault is what to break.
type Fault struct {
	Kind string
	// Target is the name of a router, or of a service for all its routers:
	// Traefik's, or that of the compose file.
	Target string
	// Percent of the requests are hit, from 1 to 100.
	Percent int
	// DelayMS is what Delay adds, and JitterMS up to how much more, by chance.
	DelayMS  int
	JitterMS int
	// Status is what Error answers with.
	Status int
}

// String says what happens to a request, such as "delay 500 ms".
func (f Fault) String() string {
	switch f.Kind {
	case Delay:
		if f.JitterMS > 0 {
			return fmt.Sprintf("delay %d to %d ms", f.DelayMS, f.DelayMS+f.JitterMS)
		}
		return fmt.Sprintf("delay %d ms", f.DelayMS)
	case Error:
		return fmt.Sprintf("error %d", f.Status)
	}
	return "drop"
}

// Route is what a fault may have for its target: by the names of a router, its
// service, and the compose service that its labels are at.
type Route struct{ Router, Service, Compose string }

// on reports whether the fault is for a route.
func (f Fault) on(r Route) bool {
	return f.Target == r.Router || f.Target == r.Service || f.Target == r.Compose
}

// Active is a fault that is on. Its methods are safe for concurrent use.
type Active struct {
	Fault
	set   *Set
	ended chan struct{}
	once  sync.Once
	hits  atomic.Int64
}

// Hits is how many requests were hit.
func (a *Active) Hits() int64 { return a.hits.Load() }

// End ends the fault; requests that it delays go on at once.
func (a *Active) End() {
	a.once.Do(func() {
		a.set.remove(a)
		close(a.ended)
	})
}

// Set holds the faults that are on. Its zero value holds none, and then costs a
// request one atomic load. It is safe for concurrent use.
type Set struct {
	mu     sync.Mutex // for changes
	active atomic.Pointer[[]*Active]
}

// Add has a fault be on until its End is called.
func (s *Set) Add(f Fault) *Active {
	a := &Active{Fault: f, set: s, ended: make(chan struct{})}
	s.change(func(all []*Active) []*Active {
		// Delays come first: what is answered with an error is late too.
		if f.Kind == Delay {
			return append([]*Active{a}, all...)
		}
		return append(all, a)
	})
	return a
}

func (s *Set) remove(a *Active) {
	s.change(func(all []*Active) []*Active {
		return slices.DeleteFunc(all, func(other *Active) bool { return other == a })
	})
}

func (s *Set) change(f func([]*Active) []*Active) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Active
	if now := s.active.Load(); now != nil {
		all = slices.Clone(*now)
	}
	if all = f(all); len(all) == 0 {
		s.active.Store(nil)
		return
	}
	s.active.Store(&all)
}

// ActiveFor names the faults that are on for a router, such as "delay 500 ms".
func (s *Set) ActiveFor(at Route) []string {
	all := s.active.Load()
	if all == nil {
		return nil
	}
	var names []string
	for _, a := range *all {
		if a.on(at) {
			names = append(names, a.label())
		}
	}
	return names
}

// label adds the share of requests where it is not all of them.
func (a *Active) label() string {
	if a.Percent < 100 {
		return fmt.Sprintf("%s (%d %% of requests)", a.Fault, a.Percent)
	}
	return a.String()
}

// Recorder is given which fault hits a request, and whether it drops it.
type Recorder interface {
	Fault(name string, dropped bool)
}

// Apply does to a request what the faults of its router say. It reports whether
// the request is answered. A request that is dropped panics with
// [http.ErrAbortHandler], which ends its connection or stream.
func (s *Set) Apply(w http.ResponseWriter, r *http.Request, at Route, note Recorder) bool {
	all := s.active.Load()
	if all == nil {
		return false
	}
	for _, a := range *all {
		if !a.on(at) || rand.IntN(100) >= a.Percent { // a share, not a secret
			continue
		}
		a.hits.Add(1)
		note.Fault(a.String(), a.Kind == Drop)
		switch a.Kind {
		case Delay:
			a.wait(r)
		case Error:
			answer(w, r, a.Fault)
			return true
		case Drop:
			panic(http.ErrAbortHandler)
		}
	}
	return false
}

// wait holds a request back until it is time, its client is gone, or the fault
// ends.
func (a *Active) wait(r *http.Request) {
	d := a.DelayMS
	if a.JitterMS > 0 {
		d += rand.IntN(a.JitterMS + 1)
	}
	timer := time.NewTimer(time.Duration(d) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.ended:
	case <-r.Context().Done():
	}
}
