package bus

import (
	"context"
	"errors"
	"fmt"
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
// answer.
func (m *Message) handling(ctx context.Context) (context.Context, context.CancelFunc) {
	if m.ExpiresAt.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, m.ExpiresAt, errUnfinished)
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
