package runner

import (
	"context"
	"slices"
	"sync"

	"axion/services/process"
	"axion/web/view"
)

// attempt is one start of a service, and what came of it, until it is ended.
type attempt struct {
	ctx     context.Context //nolint:containedctx // of the attempt, not of a call
	cancel  context.CancelFunc
	done    chan struct{} // closed when the service's goroutine has returned
	settled chan struct{} // closed once it runs, waits for others or has failed
	settle  func()

	mu        sync.Mutex
	err       error // why it failed
	processes []*process.Process
	closed    bool
	onClose   []func(context.Context)
	last      func(context.Context) // called once all others have returned; nil for nothing
}

// begin starts an attempt in a goroutine of its own; nil where the service is closed.
func (u *unit) begin() *attempt {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil
	}
	a := &attempt{done: make(chan struct{}), settled: make(chan struct{})}
	a.ctx, a.cancel = context.WithCancel(u.runner.ctx)
	a.settle = sync.OnceFunc(func() { close(a.settled) })
	u.attempt = a
	go func() {
		defer close(a.done)
		defer a.settle()
		u.run(a)
	}()
	return a
}

// renew starts an attempt, and returns once it has settled: with an error where it failed.
func (u *unit) renew(ctx context.Context) error {
	a := u.begin() //nolint:contextcheck // the attempt outlives the call
	if a == nil {
		return errClosed
	}
	select {
	case <-a.settled:
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *unit) current() *attempt {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.attempt
}

// all are the attempt's processes.
func (a *attempt) all() []*process.Process {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.processes)
}

// live says whether the attempt goes on: it waits, or has processes that can be started.
func (a *attempt) live() bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	select {
	case <-a.done:
		return len(a.processes) > 0 || a.err == nil
	default:
		return true
	}
}

// add has a process belong to the attempt. Where that has ended it is closed, and false.
func (a *attempt) add(p *process.Process, out *process.Output) bool {
	end := func(ctx context.Context) { p.Close(ctx); _ = out.Close() }
	if !a.atEnd(end) {
		end(context.Background())
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.processes = append(a.processes, p)
	return true
}

// atEnd has the attempt's end call a function, which may be called more than once. It is
// false where the end has come.
func (a *attempt) atEnd(f func(context.Context)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.onClose = append(a.onClose, f)
	}
	return !a.closed
}

func (a *attempt) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// end ends what the attempt has started, and returns once it has ended; where ctx ends
// before, it is killed. It can be called again.
func (a *attempt) end(ctx context.Context) {
	if a == nil {
		return
	}
	a.cancel()
	a.mu.Lock()
	a.closed = true
	all := a.onClose
	a.mu.Unlock()
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(func() { f(ctx) })
	}
	wg.Wait()
	<-a.done
	if a.last != nil {
		a.last(ctx)
	}
}

// close ends the service for good.
func (u *unit) close(ctx context.Context) {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.current().end(ctx)
	u.stopped()
}

// stopped notes that the service was ended: what is complete, or failed, stays so.
func (u *unit) stopped() {
	u.mu.Lock()
	state := u.state
	u.mu.Unlock()
	if state != view.ServiceCompleted && state != view.ServiceFailed {
		u.set(view.ServiceStopped, "", "")
	}
}
