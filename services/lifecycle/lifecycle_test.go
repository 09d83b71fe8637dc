package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"axion/services/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		second func(context.CancelFunc, *lifecycle.Group) error
		want   error
		order  []string
	}{
		"OK":         {func(end context.CancelFunc, _ *lifecycle.Group) error { end(); return nil }, nil, []string{"1", "2", "stop 2", "stop 1"}},
		"OKStarting": {func(end context.CancelFunc, _ *lifecycle.Group) error { end(); return broken }, nil, []string{"1", "2", "stop 1"}},
		"ErrStep":    {func(context.CancelFunc, *lifecycle.Group) error { return broken }, broken, []string{"1", "2", "stop 1"}},
		"ErrPart": {func(_ context.CancelFunc, p *lifecycle.Group) error {
			p.Go(func() error { return broken })
			p.Go(func() error { return broken }) // nobody waits for a second one
			p.Go(func() error { return nil })
			return nil
		}, broken, []string{"1", "2", "stop 2", "stop 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var p lifecycle.Group
			var order []string
			stop := func(what string) {
				p.OnStop(func(ctx context.Context) error {
					if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
						t.Errorf("%s: got no time to stop in", what)
					}
					order = append(order, what)
					return nil
				})
			}
			err := p.Run(ctx,
				func(context.Context) error { order = append(order, "1"); stop("stop 1"); return nil },
				func(context.Context) error {
					order = append(order, "2")
					err := tt.second(cancel, &p)
					if err == nil {
						stop("stop 2")
					}
					return err
				})
			if !errors.Is(err, tt.want) || !slices.Equal(order, tt.order) {
				t.Errorf("got %v and %v, want %v and %v", err, order, tt.want, tt.order)
			}
		})
	}
}

func TestRunErrStop(t *testing.T) {
	t.Parallel()
	broken, stuck := errors.New("broken"), errors.New("stuck")
	var p lifecycle.Group
	err := p.Run(t.Context(), func(context.Context) error {
		p.OnStop(func(context.Context) error { return stuck })
		return broken
	})
	if !errors.Is(err, broken) || !errors.Is(err, stuck) {
		t.Errorf("got %v, want both errors", err)
	}
}

// part is one that does not stop.
type part struct{ release chan struct{} }

func (p part) Close(context.Context) error { <-p.release; return nil }

// TestStopDeadline: a part that goes on beyond the deadline is named, and those below
// it are stopped all the same.
func TestStopDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		hanging, below := part{make(chan struct{})}, false
		var p lifecycle.Group
		err := p.Run(ctx, func(context.Context) error {
			p.OnStop(func(context.Context) error { below = true; return nil })
			p.OnStop(hanging.Close)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "still running after 10s: axion/services/lifecycle_test.part.Close") || !below {
			t.Errorf("got %v (below: %t), want that the part is named", err, below)
		}
		close(hanging.release)
	})
}

// TestAllowStop: a part that may take longer does, and is bounded all the same.
func TestAllowStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		var p lifecycle.Group
		err := p.Run(ctx, func(context.Context) error {
			p.AllowStop(time.Minute)
			p.OnStop(func(ctx context.Context) error { <-ctx.Done(); return nil })
			return nil
		})
		if took := time.Since(began); err != nil || took != 70*time.Second {
			t.Errorf("it stops in %s with %v, want 1m10s", took, err)
		}
	})
}
