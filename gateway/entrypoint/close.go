package entrypoint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// handlerGrace is how long handlers get to return after their connections were
// closed under them.
const handlerGrace = time.Second

// drainTimeout is how long requests under way may go on. It is a part of what the
// whole stack has for stopping: a client that does not end its upload must not
// take the time of the services behind.
const drainTimeout = 3 * time.Second

// Close stops accepting, lets requests under way finish for DrainTimeout or until ctx
// ends, then has cancel end what they wait for and ends the rest, WebSockets included.
// No goroutine is left. It reports requests that ctx cut off.
func (s *Set) Close(ctx context.Context, cancel func()) error {
	s.mu.Lock()
	s.closing = true
	servers := slices.AppendSeq(slices.Collect(maps.Values(s.servers)), maps.Keys(s.draining))
	udpServers := slices.AppendSeq(slices.Collect(maps.Values(s.udpServers)), maps.Keys(s.drainingUDP))
	s.mu.Unlock()
	errs := make([]error, len(servers))
	var draining sync.WaitGroup
	for i, f := range servers {
		draining.Go(func() { errs[i] = f.drain(ctx) })
	}
	for _, d := range udpServers {
		draining.Go(func() { _ = d.Close() })
	}
	draining.Wait()
	empty := s.inflight.close()
	cancel()
	for _, f := range servers {
		f.close()
	}
	timer := time.NewTimer(handlerGrace)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
		errs = append(errs, errors.New("close gateway: a request does not end"))
	}
	s.running.Wait()
	return errors.Join(errs...)
}

// drain shuts f down within its time. That requests are cut off then is logged; that
// ctx ended before is an error.
func (f *server) drain(ctx context.Context) error {
	e := f.entry()
	grace := graceOf(e.Config, f.set.DrainTimeout)
	drain, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	err := f.shutdown(drain)
	switch {
	case err == nil:
		return nil
	case drain.Err() != nil && ctx.Err() == nil:
		f.set.Log.Warn("requests that did not end were cut off", "entrypoint", e.Name, "after", grace)
		return nil
	}
	return fmt.Errorf("close entrypoint %s: %w", e.Name, err)
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

// count gives how many there are.
func (i *inflight) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.n
}
