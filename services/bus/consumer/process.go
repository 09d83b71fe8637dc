package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"

	"axion/services/bus/deadletter"
	"axion/services/bus/message"
	"axion/services/bus/tracing"
)

// errStopped is the error of a message whose partition was revoked before it was done.
var errStopped = errors.New("partition revoked")

// processor processes the messages of a partition, in the caller's goroutine.
type processor struct{ p *partition }

// process processes one message: it is finished when this returns, or the
// reply is under way, or the partition was revoked.
func (h processor) process(it *item) {
	if !h.p.owned(it.record.Offset) {
		return
	}
	if it.batch != nil {
		h.processBatch(it)
		return
	}
	c := h.p.s.consumer
	m := c.messageOf(it.record)
	ctx, span := c.conn.Tracer.StartProcess(h.p.ctx, m)
	defer span.End()
	handler := c.handler(m)
	if m.IsRequest() {
		h.reply(ctx, it, m, handler, span)
		return
	}
	began := time.Now()
	_, err := h.try(ctx, m, handler, func(err error) bool { return !message.IsPermanent(err) })
	if h.interrupted(err) {
		return
	}
	c.conn.Meter.Processed(m.Topic, time.Since(began), err)
	if tracing.RecordError(span, err) != nil && !h.deadLetter(ctx, m, err) {
		return
	}
	h.p.finish(it)
}

// processBatch puts a batch that cannot be decoded on the dead-letter topic.
func (h processor) processBatch(it *item) {
	if h.p.markStarted(it.record.Offset) && h.deadLetter(h.p.ctx, deadletter.BatchMessage(it.batch), it.batch.Err) {
		h.p.finish(it)
	}
}

// interrupted reports whether err is due to the revocation of the partition: the message
// is then the next consumer's.
func (h processor) interrupted(err error) bool {
	return err != nil && (errors.Is(err, errStopped) || h.p.ctx.Err() != nil)
}

// try calls fn until it succeeds, its error is not worth another try, or the
// attempts are used up. Those that fail for an outage do not count; a request waits for
// the end of one as long as its sender waits, where that is known. It returns
// [message.ErrNoHandler] where fn is nil, and errStopped when the partition is revoked
// before there is a result.
func (h processor) try(ctx context.Context, m *message.Message, fn message.Handler, again func(error) bool) (any, error) {
	if fn == nil {
		if !h.p.markStarted(m.Offset) {
			return nil, errStopped
		}
		return nil, fmt.Errorf("%w: %q", message.ErrNoHandler, m.Type)
	}
	c := h.p.s.consumer
	retry := c.options.Retry
	var delays *backoff.ExponentialBackOff
	for m.Attempt = 1; ; {
		v, err := h.call(ctx, m, fn)
		waits := !m.IsRequest() || !m.ExpiresAt.IsZero()
		outage := err != nil && waits && !message.IsPermanent(err) && c.outage(err)
		if err == nil || errors.Is(err, errStopped) || !outage && (m.Attempt >= retry.Attempts || !again(err)) {
			return v, err
		}
		if delays == nil {
			delays = retry.backoff()
		}
		delay := delays.NextBackOff()
		c.conn.Meter.Retried(m.Topic)
		tracing.RecordFailedAttempt(ctx, m.Attempt, delay, err)
		c.conn.Log.DebugContext(ctx, "handler failed; trying again", "type", m.Type, "id", m.ID,
			"attempt", m.Attempt, "again_in", delay, "error", err)
		if !h.wait(delay) {
			return nil, errStopped
		}
		if !outage {
			m.Attempt++
		}
	}
}

// outage reports whether err is one of the service itself.
func (c *Consumer) outage(err error) bool { return c.options.Outage != nil && c.options.Outage(err) }

func (r Retry) backoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: r.First, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: r.Max,
	}
}

// call runs fn once, when there is a slot for it.
func (h processor) call(ctx context.Context, m *message.Message, fn message.Handler) (v any, err error) {
	if !h.acquireSlot(m.Offset) {
		return nil, errStopped
	}
	defer func() {
		<-h.p.s.slots
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("handler of %s panicked: %v", m.Type, r)
			h.p.s.conn.Log.ErrorContext(ctx, "handler panicked", "type", m.Type, "id", m.ID, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	if !h.p.markStarted(m.Offset) {
		return nil, errStopped
	}
	return fn(ctx, m)
}

// acquireSlot waits for a slot for one more handler; it reports false when this member
// does not own the message any more.
func (h processor) acquireSlot(offset int64) bool {
	select {
	case h.p.s.slots <- struct{}{}:
		return true
	case <-h.p.stopped:
	}
	if !h.p.owned(offset) {
		return false
	}
	select {
	case h.p.s.slots <- struct{}{}:
		return true
	case <-h.p.ctx.Done():
		return false
	}
}

// wait waits; it reports false when the partition is revoked meanwhile.
func (h processor) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.p.stopped:
		return false
	}
}
