package probe_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"axion/gateway/probe"
)

var errDown = errors.New("down")

// server is up or not, and counts who asks.
type server struct {
	up     atomic.Bool // as it is
	seen   atomic.Bool // as the last probe found it
	asked  atomic.Int64
	beside atomic.Int64 // probes under way
	took   time.Duration
	err    error
}

func (s *server) loop(interval time.Duration) *probe.Loop {
	return probe.New(probe.Options{Interval: interval, Unhealthy: interval, Set: func(err error) { s.seen.Store(err == nil) },
		Ask: func(ctx context.Context) error {
			s.asked.Add(1)
			if s.beside.Add(1) > 1 {
				panic("two probes at once")
			}
			defer s.beside.Add(-1)
			select {
			case <-time.After(s.took):
			case <-ctx.Done():
				return ctx.Err()
			}
			if !s.up.Load() {
				return s.err
			}
			return nil
		}})
}

// run runs test beside loops of servers that are down.
func run(t *testing.T, interval time.Duration, list []*server, test func(t *testing.T, loops []*probe.Loop)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		var loops []*probe.Loop
		for _, s := range list {
			l := s.loop(interval)
			loops = append(loops, l)
			running.Go(func() { l.Run(ctx) })
		}
		synctest.Wait()
		time.Sleep(200 * time.Millisecond)
		test(t, loops)
		cancel()
		running.Wait()
		if probe.Wait(t.Context(), loops, func() bool { return false }) {
			t.Error("a server is up that is not asked any more")
		}
	})
}

func TestWait(t *testing.T) {
	t.Parallel()
	t.Run("OK/CameBack", func(t *testing.T) {
		t.Parallel()
		s := &server{err: errDown}
		run(t, 30*time.Second, []*server{s}, func(t *testing.T, loops []*probe.Loop) {
			for i := range 3 {
				s.up.Store(true)
				begun := time.Now()
				if !probe.Wait(t.Context(), loops, s.seen.Load) || time.Since(begun) > 100*time.Millisecond {
					t.Errorf("time %d: not up after %s", i+1, time.Since(begun))
				}
				s.up.Store(false)
				if time.Sleep(40 * time.Second); s.seen.Load() {
					t.Errorf("time %d: still up", i+1)
				}
			}
		})
	})
	t.Run("OK/OneOfThem", func(t *testing.T) {
		t.Parallel()
		hangs, back := &server{err: errDown, took: time.Minute}, &server{err: errDown}
		run(t, time.Hour, []*server{hangs, back}, func(t *testing.T, loops []*probe.Loop) {
			back.up.Store(true)
			begun := time.Now()
			if !probe.Wait(t.Context(), loops, back.seen.Load) || time.Since(begun) > 0 {
				t.Errorf("up after %s", time.Since(begun))
			}
		})
	})
	t.Run("ErrBounded", func(t *testing.T) {
		t.Parallel()
		s := &server{err: errDown, took: time.Minute}
		run(t, time.Hour, []*server{s}, func(t *testing.T, loops []*probe.Loop) {
			begun := time.Now()
			if probe.Wait(t.Context(), loops, s.seen.Load) || time.Since(begun) != time.Second {
				t.Errorf("waited %s, want 1s", time.Since(begun))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			begun = time.Now()
			if probe.Wait(ctx, loops, s.seen.Load) || time.Since(begun) != time.Millisecond {
				t.Errorf("waited %s, want as long as the request", time.Since(begun))
			}
		})
	})
	t.Run("ErrNoStorm", func(t *testing.T) {
		t.Parallel()
		s := &server{err: errDown}
		run(t, time.Hour, []*server{s}, func(t *testing.T, loops []*probe.Loop) {
			var requests sync.WaitGroup
			before := s.asked.Load()
			for range 100 {
				requests.Go(func() {
					for range 10 {
						if probe.Wait(t.Context(), loops, s.seen.Load) {
							t.Error("up")
						}
					}
				})
			}
			requests.Wait()
			if n := s.asked.Load() - before; n > 11 {
				t.Errorf("1000 requests made %d probes", n)
			}
		})
	})
}

// TestRefused asks a server often that nothing can connect to, and others as rarely as
// is configured.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err      error
		least    int64
		greatest int64
	}{
		"Refused":  {&net.OpError{Op: "dial", Err: errDown}, 9, 12},
		"Answered": {errDown, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{err: tt.err}
			run(t, 30*time.Second, []*server{s}, func(t *testing.T, _ []*probe.Loop) {
				time.Sleep(10 * time.Second)
				if n := s.asked.Load(); n < tt.least || n > tt.greatest {
					t.Errorf("asked %d times in 10s, want %d to %d", n, tt.least, tt.greatest)
				}
			})
		})
	}
}

// TestProbeSoon asks at most once a second, and not before it is wanted where there is no interval.
func TestProbeSoon(t *testing.T) {
	t.Parallel()
	s := &server{err: errDown}
	run(t, 0, []*server{s}, func(t *testing.T, loops []*probe.Loop) {
		if time.Sleep(time.Hour); s.asked.Load() != 0 {
			t.Errorf("asked %d times before it was wanted", s.asked.Load())
		}
		for range 100 {
			loops[0].ProbeSoon()
			time.Sleep(20 * time.Millisecond)
		}
		if n := s.asked.Load(); n != 2 {
			t.Errorf("asked %d times in 2s, want 2", n)
		}
	})
}
