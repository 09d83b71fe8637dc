package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"
)

// process deals with one message: it is finished when this returns, or the
// reply is under way, or the partition was given up.
func (p *partition) process(it *item) {
	if !p.due(it.record.Offset) {
		return
	}
	if it.batch != nil {
		p.processBatch(it)
		return
	}
	m := p.c.bus.received(it.record)
	ctx, span := p.c.bus.startProcess(p.ctx, m)
	defer span.End()
	h := p.c.bus.handler(m)
	if m.IsRequest() {
		p.serve(ctx, it, m, h, span)
		return
	}
	began := time.Now()
	_, err := p.try(ctx, m, h, func(err error) bool { return !isPermanent(err) })
	if p.abandoned(err) {
		return
	}
	p.c.bus.meter.processed(m.Topic, time.Since(began), err)
	if note(span, err) != nil && !p.bury(ctx, m, err) {
		return
	}
	p.finish(it)
}

// serve answers a request. The key's next message does not wait for the
// broker to acknowledge the reply; the commit does.
func (p *partition) serve(ctx context.Context, it *item, m *Message, h Handler, span trace.Span) {
	b := p.c.bus
	began := time.Now()
	handling, cancel := m.handling(ctx)
	defer cancel()
	value, err := p.try(handling, m, unexpired(h), isRetriable)
	if s, ok := value.(Stream); ok && err == nil {
		value, err = p.drainStream(handling, m, s)
	}
	if p.abandoned(err) {
		return
	}
	err = b.late(ctx, m, err)
	b.meter.processed(m.Topic, time.Since(began), err)
	p.enter()
	ctx, answer := b.continued(ctx, "reply", m.Type)
	reply := b.replyRecord(ctx, m, value, note(span, err))
	describeRecord(answer, reply)
	b.replies.send(reply, func(sent *kgo.Record, err error) {
		defer p.leave()
		if err = note(answer, b.produceError(err)); err == nil {
			acked(answer, sent)
		}
		answer.End()
		if errors.Is(err, ErrClosed) {
			return // not answered: the message comes again
		}
		if err != nil { // the reply topic does not exist, say: nobody can be told
			b.log.WarnContext(ctx, "reply not accepted", "type", m.Type, "id", m.ID, "topic", m.replyTopic, "error", err)
		}
		p.finish(it)
	})
}

// abandoned reports whether err is due to our stopping: the message is then
// the next consumer's.
func (p *partition) abandoned(err error) bool {
	return err != nil && (errors.Is(err, errStopped) || p.ctx.Err() != nil)
}

// try calls h until it succeeds, its error is not worth another try, or the
// attempts are used up. Those that fail for an outage do not count; a request waits for
// the end of one as long as its sender waits, where that is known. It returns
// errNoHandler where h is nil, and errStopped when the partition is given up before
// there is a result.
func (p *partition) try(ctx context.Context, m *Message, h Handler, again func(error) bool) (any, error) {
	if h == nil {
		if !p.begin(m.Offset) {
			return nil, errStopped
		}
		return nil, fmt.Errorf("%w: %q", errNoHandler, m.Type)
	}
	retry := p.c.bus.options.Retry
	var pace *backoff.ExponentialBackOff
	for m.Attempt = 1; ; {
		v, err := p.call(ctx, m, h)
		waits := !m.IsRequest() || !m.ExpiresAt.IsZero()
		outage := err != nil && waits && !isPermanent(err) && p.c.bus.outage(err)
		if err == nil || errors.Is(err, errStopped) || !outage && (m.Attempt >= retry.Attempts || !again(err)) {
			return v, err
		}
		if pace == nil {
			pace = retry.pace()
		}
		delay := pace.NextBackOff()
		p.c.bus.meter.retried(m.Topic)
		failedAttempt(ctx, m.Attempt, delay, err)
		p.c.bus.log.DebugContext(ctx, "handler failed; trying again", "type", m.Type, "id", m.ID,
			"attempt", m.Attempt, "again_in", delay, "error", err)
		if !p.wait(delay) {
			return nil, errStopped
		}
		if !outage {
			m.Attempt++
		}
	}
}

// outage reports whether err is one of the service itself.
func (b *Bus) outage(err error) bool { return b.options.Outage != nil && b.options.Outage(err) }

func (r Retry) pace() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: r.First, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: r.Max,
	}
}

// call runs h once, when there is room for one more handler.
func (p *partition) call(ctx context.Context, m *Message, h Handler) (v any, err error) {
	if !p.enterSlot(m.Offset) {
		return nil, errStopped
	}
	defer func() {
		<-p.c.slots
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("handler of %s panicked: %v", m.Type, r)
			p.c.bus.log.ErrorContext(ctx, "handler panicked", "type", m.Type, "id", m.ID, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	if !p.begin(m.Offset) {
		return nil, errStopped
	}
	return h(ctx, m)
}

// enterSlot waits for room for one more handler; it reports false when the message is
// not ours any more.
func (p *partition) enterSlot(offset int64) bool {
	select {
	case p.c.slots <- struct{}{}:
		return true
	case <-p.halt:
	}
	if !p.due(offset) {
		return false
	}
	select {
	case p.c.slots <- struct{}{}:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// wait waits; it reports false when the partition is given up meanwhile.
func (p *partition) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.halt:
		return false
	}
}
