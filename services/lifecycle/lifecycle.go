// Package lifecycle runs the parts of a program: started in order, stopped in
// reverse under one deadline, and all of them when one ends by itself.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// stopTimeout bounds the stopping of all parts together, beside what AllowStop adds.
const stopTimeout = 10 * time.Second

// Group is the parts that run together. The zero value is ready. OnStop and AllowStop are for the
// goroutine that starts the parts; Go and Run are safe for concurrent use with it.
type Group struct {
	stops  []func(context.Context) error
	more   time.Duration // to stop in, over stopTimeout
	failed chan error    // nil ends everything too

	aborting sync.Mutex
	aborts   []func() // by aborting
}

// OnStop has fn called when the parts stop, before what was registered earlier.
func (p *Group) OnStop(fn func(context.Context) error) { p.stops = append(p.stops, fn) }

// AllowStop gives all parts together longer to stop in than 10 s, by d: a part that runs
// programs of the user's gives them the time that the user says, and bounds itself to that.
func (p *Group) AllowStop(d time.Duration) { p.more += d }

// OnAbort has fn called where the process exits before its parts have stopped, since they
// take longer than who started it is waited for. It may be called while the parts run.
func (p *Group) OnAbort(fn func()) {
	p.aborting.Lock()
	defer p.aborting.Unlock()
	p.aborts = append(p.aborts, fn)
}

// abort ends the process at once.
func (p *Group) abort() {
	p.aborting.Lock() // for good
	for _, fn := range p.aborts {
		fn()
	}
	os.Exit(1)
}

// Go runs part, and ends everything with its error if it ends with one.
func (p *Group) Go(part func() error) {
	go func() {
		if err := part(); err != nil {
			select {
			case p.failed <- err:
			default: // everything ends already
			}
		}
	}()
}

// End ends everything, which is no error. Steps may call it, and what they start.
func (p *Group) End() {
	select {
	case p.failed <- nil:
	default: // everything ends already
	}
}

// Run takes the steps that start the parts, waits until ctx ends or one of the
// parts does, and stops what was started. It returns nil where ctx ended, and
// otherwise why a step or a part failed; either way joined with what went wrong
// when stopping.
func (p *Group) Run(ctx context.Context, steps ...func(context.Context) error) (err error) {
	p.failed = make(chan error, 1)
	boundMemory()
	defer func() { err = errors.Join(err, p.stop(context.WithoutCancel(ctx))) }()
	for _, step := range steps {
		if err := step(ctx); err != nil && ctx.Err() != nil {
			return nil // stopped while starting
		} else if err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.failed:
		return err
	}
}

// boundMemory has Go collect garbage in time where a control group bounds this
// process's memory, unless GOMEMLIMIT says how much it may take. The rest is for what
// Go does not count.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") != "" { // an empty one is none to Go
		return
	}
	const share = 0.8
	if limit, err := memlimit.ApplyRatio(memlimit.FromCgroup, share)(); err == nil { // an error: there is no bound
		debug.SetMemoryLimit(int64(min(limit, math.MaxInt64)))
	}
}

// stop stops what was started, in reverse order.
func (p *Group) stop(ctx context.Context) error {
	timeout := stopTimeout + p.more
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var errs []error
	for _, stop := range slices.Backward(p.stops) {
		errs = append(errs, stopPart(ctx, timeout, stop))
	}
	return errors.Join(errs...)
}

// stopReportTimeout is how long a part may take beyond the deadline to say what kept it.
const stopReportTimeout = time.Second

// stopPart stops one part. One that goes on beyond the deadline is named and left
// behind: the program's end is its own.
func stopPart(ctx context.Context, timeout time.Duration, stop func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- stop(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(stopReportTimeout)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return fmt.Errorf("stop: still running after %s: %s", timeout, functionName(stop))
	}
}

// functionName is what a function is called, "axion/gateway.(*Gateway).Close" for one.
func functionName(stop func(context.Context) error) string {
	return strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(stop).Pointer()).Name(), "-fm")
}
