package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"axion/gateway/cancellation"
)

// stragglers is how long handlers get to return after their connections were
// closed under them.
const stragglers = time.Second

// drainTime is how long requests under way may go on. It is a part of what the
// whole stack has for stopping: a client that does not end its upload must not
// take the time of the services behind.
const drainTime = 3 * time.Second

// Close stops accepting, lets requests under way finish for 3 s or until ctx
// ends, then ends the rest, WebSockets included. No goroutine is left. It reports
// requests that ctx cut off; later calls return the same.
func (g *Gateway) Close(ctx context.Context) error { return g.closer(ctx) }

func onceWithContext(f func(context.Context) error) func(context.Context) error {
	var once sync.Once
	var err error
	return func(ctx context.Context) error {
		once.Do(func() { err = f(ctx) })
		return err
	}
}

func (g *Gateway) shutdown(ctx context.Context) error {
	g.end(nil)
	g.mu.Lock()
	g.closing = true
	fronts := slices.AppendSeq(slices.Collect(maps.Values(g.fronts)), maps.Keys(g.leaving))
	datagrams := slices.AppendSeq(slices.Collect(maps.Values(g.datagrams)), maps.Keys(g.leavingUDP))
	g.mu.Unlock()
	errs := make([]error, len(fronts))
	var draining sync.WaitGroup
	for i, f := range fronts {
		e := f.entry()
		grace := graceOf(e.Config, g.drain)
		draining.Go(func() {
			drain, cancel := context.WithTimeout(ctx, grace)
			defer cancel()
			switch err := f.shutdown(drain); {
			case err == nil:
			case drain.Err() != nil && ctx.Err() == nil:
				g.log.Warn("requests that did not end were cut off", "entrypoint", e.Name, "after", grace)
			default:
				errs[i] = fmt.Errorf("close entrypoint %s: %w", e.Name, err)
			}
		})
	}
	for _, s := range datagrams {
		draining.Go(func() { _ = s.Close() })
	}
	draining.Wait()
	empty := g.inflight.close()
	g.cancel(cancellation.ErrStopping) // ends tunnels, the watch and what outlasted ctx
	for _, f := range fronts {
		f.close()
	}
	timer := time.NewTimer(stragglers)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
		errs = append(errs, errors.New("close gateway: a request does not end"))
	}
	g.running.Wait()
	g.table.Load().Release(nil)
	g.cert.Close()
	errs = append(errs, g.observer.Close())
	return errors.Join(errs...)
}

// inflight counts requests, upgraded ones included, which a server's Shutdown
// does not wait for.
type inflight struct {
	mu     sync.Mutex
	n      int
	closed chan struct{} // not nil once closing; closed when none is left
}

// begin counts a request in, and gives how many there are. Zero means that it is refused.
func (i *inflight) begin() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed != nil {
		return 0
	}
	i.n++
	return i.n
}

func (i *inflight) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.n--
	if i.closed != nil && i.n == 0 {
		close(i.closed)
	}
}

// close refuses requests from now on. Its channel closes when none is left.
func (i *inflight) close() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = make(chan struct{})
	if i.n == 0 {
		close(i.closed)
	}
	return i.closed
}
