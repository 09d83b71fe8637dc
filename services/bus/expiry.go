package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// expiryFormat is how people are told when a request expired.
const expiryFormat = "2006-01-02T15:04:05.000Z07:00"

// unexpired is h for requests that their senders still wait for.
func unexpired(h Handler) Handler {
	if h == nil {
		return nil
	}
	begun := false
	return func(ctx context.Context, m *Message) (any, error) {
		switch {
		case !m.expired():
			begun = true
			return h(ctx, m)
		case begun:
			return nil, Permanent(errUnfinished)
		}
		return nil, Permanent(fmt.Errorf("%w: at %s", ErrExpired, m.ExpiresAt.UTC().Format(expiryFormat)))
	}
}

// expired reports whether m is a request that nobody waits for any more. It goes by
// this machine's clock and the sender's, without allowance: a sender whose clock is
// behind ours by less than its patience is still served, in what is left of that; one
// whose clock is ahead may be served by as much too late.
func (m *Message) expired() bool {
	return !m.ExpiresAt.IsZero() && time.Now().After(m.ExpiresAt)
}

// handling is the context of the handler of a request, which ends with the wait for its
// answer, or when cancel is called.
func (m *Message) handling(ctx context.Context) (_ context.Context, cancel context.CancelFunc) {
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
func (c *expiring) Done() <-chan struct{} { return c.whole().Done() }

// Err implements [context.Context].
func (c *expiring) Err() error {
	if c.plain() {
		return c.Context.Err()
	}
	return c.whole().Err()
}

// Value implements [context.Context]. What looks for the cause of the end finds it by a
// value.
func (c *expiring) Value(key any) any {
	if c.plain() {
		return c.Context.Value(key)
	}
	return c.whole().Value(key)
}

// plain reports whether nothing is different yet from the parent.
func (c *expiring) plain() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made == nil && !c.ended && time.Now().Before(c.at)
}

// whole is the context in full.
func (c *expiring) whole() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made, c.undo = context.WithDeadlineCause(c.Context, c.at, errUnfinished)
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

// late says so where a request was dropped, or given up, because it had expired. It
// returns err as the sender is to be told it, who may be listening still.
func (b *Bus) late(ctx context.Context, m *Message, err error) error {
	switch {
	case errors.Is(err, ErrExpired):
		b.meter.expired(m.Topic)
		b.log.WarnContext(ctx, "request dropped: it expired before its turn came", "type", m.Type, "id", m.ID, "key", m.Key,
			"expired_at", m.ExpiresAt.UTC().Format(expiryFormat), "late_by", time.Since(m.ExpiresAt).Round(time.Millisecond))
	case errors.Is(err, errUnfinished), errors.Is(err, context.DeadlineExceeded) && !isPermanent(err) && m.expired():
		b.log.WarnContext(ctx, "request given up: it expired before it was done", "type", m.Type, "id", m.ID, "key", m.Key, "error", err)
		return Permanent(errUnfinished)
	}
	return err
}
