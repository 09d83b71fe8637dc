package consumer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"axion/services/bus/message"
)

// TestExpiring: the context of a request's handler is as one with a deadline in all that
// may be asked of it, whatever is asked first.
func TestExpiring(t *testing.T) {
	t.Parallel()
	type key struct{}
	stopped := errors.New("stopped")
	for name, ends := range map[string]struct {
		by       func(cancel context.CancelFunc, parent context.CancelCauseFunc)
		err, why error
	}{
		"OKExpired": {func(context.CancelFunc, context.CancelCauseFunc) { time.Sleep(time.Minute) }, context.DeadlineExceeded,
			message.ErrUnfinished},
		"OKCancelled": {func(cancel context.CancelFunc, _ context.CancelCauseFunc) { cancel() }, context.Canceled, context.Canceled},
		"OKParent":    {func(_ context.CancelFunc, parent context.CancelCauseFunc) { parent(stopped) }, context.Canceled, stopped},
	} {
		for first, look := range map[string]func(context.Context) error{
			"Nothing": func(context.Context) error { return nil },
			"Done": func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					return errors.New("it is done")
				default:
					return nil
				}
			},
			"Err":   context.Context.Err,
			"Cause": context.Cause,
		} {
			t.Run(name+first, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					parent, stop := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
					defer stop(nil)
					ctx, cancel := withExpiry(parent, &message.Message{ExpiresAt: time.Now().Add(time.Minute)})
					defer cancel()
					if err := look(ctx); err != nil {
						t.Errorf("at first: %v", err)
					}
					if at, ok := ctx.Deadline(); !ok || time.Until(at) != time.Minute {
						t.Errorf("the deadline is %s, %v", at, ok)
					}
					ends.by(cancel, stop)
					synctest.Wait()
					child, undo := context.WithCancel(ctx)
					defer undo()
					<-child.Done() // or the test fails
					<-ctx.Done()
					if err, cause := ctx.Err(), context.Cause(ctx); err != ends.err || cause != ends.why || context.Cause(child) != ends.why {
						t.Errorf("got %v for %v, want %v for %v", err, cause, ends.err, ends.why)
					}
					if ctx.Value(key{}) != "value" {
						t.Error("it has not its parent's value")
					}
				})
			})
		}
	}
}

// TestExpiringCause asks one that has ended for its cause before anything else.
func TestExpiringCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := withExpiry(t.Context(), &message.Message{ExpiresAt: time.Now().Add(time.Minute)})
		defer cancel()
		time.Sleep(time.Minute)
		if got := context.Cause(ctx); got != message.ErrUnfinished {
			t.Errorf("got %v", got)
		}
	})
}
