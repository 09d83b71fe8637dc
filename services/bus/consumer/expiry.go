package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"axion/services/bus/message"
)

// expiryFormat is the format of times in errors and log records.
const expiryFormat = "2006-01-02T15:04:05.000Z07:00"

// unexpired is h for requests whose senders still wait.
func unexpired(h message.Handler) message.Handler {
	if h == nil {
		return nil
	}
	begun := false
	return func(ctx context.Context, m *message.Message) (any, error) {
		switch {
		case !expired(m):
			begun = true
			return h(ctx, m)
		case begun:
			return nil, message.Permanent(message.ErrUnfinished)
		}
		return nil, message.Permanent(fmt.Errorf("%w: at %s", message.ErrExpired, m.ExpiresAt.UTC().Format(expiryFormat)))
	}
}

// expired reports whether m is a request that nobody waits for any more. It goes by
// this machine's clock and the sender's, without allowance: a sender whose clock is
// behind by less than its timeout is still answered, in what is left of that; one
// whose clock is ahead may be answered by as much too late.
func expired(m *message.Message) bool {
	return !m.ExpiresAt.IsZero() && time.Now().After(m.ExpiresAt)
}

// withExpiry returns the context of a request's handler, which ends with the wait for its
// answer, or when cancel is called.
func withExpiry(ctx context.Context, m *message.Message) (_ context.Context, cancel context.CancelFunc) {
	if m.ExpiresAt.IsZero() {
		return ctx, func() {}
	}
	c := &expiring{Context: ctx, at: m.ExpiresAt}
	return c, c.end
}

// expiring is [context.WithDeadlineCause], but that it makes that only once somebody
// waits for its end: most handlers return before they do, and a timer for each request
// would be set for nothing.
type expiring struct {
	context.Context // the parent
	at              time.Time

	mu    sync.Mutex // guards the rest
	made  context.Context
	undo  context.CancelFunc
	ended bool
}

var _ context.Context = (*expiring)(nil)

// Deadline implements [context.Context].
func (c *expiring) Deadline() (time.Time, bool) {
	if at, ok := c.Context.Deadline(); ok && at.Before(c.at) {
		return at, true
	}
	return c.at, true
}

// Done implements [context.Context].
func (c *expiring) Done() <-chan struct{} { return c.full().Done() }

// Err implements [context.Context].
func (c *expiring) Err() error {
	if c.isParent() {
		return c.Context.Err()
	}
	return c.full().Err()
}

// Value implements [context.Context]. What looks for the cause of the end finds it by a
// value.
func (c *expiring) Value(key any) any {
	if c.isParent() {
		return c.Context.Value(key)
	}
	return c.full().Value(key)
}

// isParent reports whether nothing differs yet from the parent.
func (c *expiring) isParent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made == nil && !c.ended && time.Now().Before(c.at)
}

// full returns the context with its deadline, which it makes at first.
func (c *expiring) full() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made, c.undo = context.WithDeadlineCause(c.Context, c.at, message.ErrUnfinished)
		if c.ended {
			c.undo()
		}
	}
	return c.made
}

// end cancels the context.
func (c *expiring) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.undo != nil {
		c.undo()
	}
}

// reportExpired logs that a request was dropped, or stopped, because it had expired. It
// returns err as the sender gets it, which may still wait.
func (h processor) reportExpired(ctx context.Context, m *message.Message, err error) error {
	switch {
	case errors.Is(err, message.ErrExpired):
		h.p.s.conn.Meter.Expired(m.Topic)
		h.p.s.conn.Log.WarnContext(ctx, "request dropped: it expired before its turn came", "type", m.Type, "id", m.ID, "key", m.Key,
			"expired_at", m.ExpiresAt.UTC().Format(expiryFormat), "late_by", time.Since(m.ExpiresAt).Round(time.Millisecond))
	case errors.Is(err, message.ErrUnfinished), errors.Is(err, context.DeadlineExceeded) && !message.IsPermanent(err) && expired(m):
		h.p.s.conn.Log.WarnContext(ctx, "request given up: it expired before it was done", "type", m.Type, "id", m.ID, "key", m.Key, "error", err)
		return message.Permanent(message.ErrUnfinished)
	}
	return err
}
