package conn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
)

// ErrorDelay is the wait after a poll that returned nothing but errors. kgo polls again
// at once: an error that lasts would take a core, and fill the log.
const ErrorDelay = 250 * time.Millisecond

// PollWindow bounds polls: one lasts at most for as long as a batch that cannot be
// decoded may stay unnoticed. Many polls share a context, since each would set a timer.
// It is for one goroutine.
type PollWindow struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// Begin returns the context of a poll, which ends with ctx too: always the same.
func (p *PollWindow) Begin(ctx context.Context) context.Context {
	if p.ctx == nil || p.ctx.Err() != nil {
		p.End()
		p.ctx, p.cancel = context.WithTimeout(ctx, undecodable.Patience)
	}
	return p.ctx
}

// End releases the context.
func (p *PollWindow) End() {
	if p.cancel != nil {
		p.cancel()
	}
}

// SkipUndecodable has a client continue after the batches that it cannot decode, and
// reports whether there were any.
func (c *Conn) SkipUndecodable(ctx context.Context, r *undecodable.Reader, client *kgo.Client, fetches kgo.Fetches) (moved bool) {
	moved, err := r.Polled(ctx, client, fetches)
	if err != nil && ctx.Err() == nil {
		c.Log.Warn("a batch cannot be decoded, and is not skipped yet", "error", err)
	}
	return moved
}

// SplitErrors returns the topics that were deleted by the errors of a poll, and logs the
// other errors. failed reports whether there was any.
func (c *Conn) SplitErrors(fetches kgo.Fetches, what string) (deleted []string, failed bool) {
	fetches.EachError(func(topic string, partition int32, err error) {
		if errors.Is(err, context.DeadlineExceeded) {
			return // the poll's own: see PollWindow
		}
		failed = true
		if IsDeleted(err) {
			deleted = append(deleted, topic)
			return
		}
		c.Log.Warn(what, "topic", topic, "partition", partition, "error", err)
	})
	slices.Sort(deleted)
	return slices.Compact(deleted), failed
}

// Sleep waits for d or ctx.
func Sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Signal wakes the goroutine that waits on c, now or next; c has a buffer of one.
func Signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
