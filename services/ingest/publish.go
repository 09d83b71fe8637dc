package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"axion/services/bus"
	"axion/services/contract"
)

// claimInterval is how often an event that another instance has claimed is looked up.
const claimInterval = 20 * time.Millisecond

// publisher publishes events once, for all instances.
type publisher struct {
	bus      *bus.Bus
	log      *slog.Logger
	instance *instance
	receipts *receipts
	recovery *recovery
	inFlight *inFlight
	end      topicEnd
	// wait bounds how long a request waits for the broker.
	wait time.Duration
}

// publish sends the items that have not been sent before, and returns all
// receipts in order once the broker has answered for every item, and how many
// it has acknowledged. An error means that it has none. What publish has begun goes
// on when ctx ends: a client that sends it again then finds it.
func (p *publisher) publish(ctx context.Context, items []item) (out []Receipt, good int, err error) {
	all, added, err := p.inFlight.add(items)
	if err != nil {
		return nil, 0, err
	}
	if len(added) > 0 {
		p.inFlight.group.Go(func() { p.deliver(context.WithoutCancel(ctx), added) })
	}
	out = make([]Receipt, 0, len(all))
	var failed error
	for _, f := range all {
		r, err := f.await(ctx)
		if err == nil {
			good++
		} else {
			failed = errors.Join(failed, err)
			r = Receipt{ID: f.identity.id, Source: f.identity.source, Topic: contract.EventsTopic, Status: http.StatusServiceUnavailable,
				Error: p.reason(err)}
		}
		out = append(out, r)
	}
	if good == 0 && failed != nil {
		return nil, 0, failed
	}
	return out, good, nil
}

// await waits until an event is completed.
func (f *pendingEvent) await(ctx context.Context) (Receipt, error) {
	select {
	case <-f.done:
		return f.receipt, f.err
	case <-ctx.Done():
	}
	if f.held.Load() {
		return Receipt{}, errHeld
	}
	return Receipt{}, fmt.Errorf("publish events: %w", ctx.Err())
}

// deliver claims events, publishes and completes them. Those that another instance has
// claimed wait for what it makes of them, for a time at most; the others not for those.
func (p *publisher) deliver(ctx context.Context, added []*pendingEvent) {
	began := time.Now()
	for waiting := added; len(waiting) > 0; {
		after := p.end.offsets(func() (bus.Offsets, error) { return p.bus.Topic(contract.EventsTopic).Ends(p.inFlight.running) })
		owner := p.instance.name()
		c, err := p.receipts.claim(ctx, owner, after, waiting)
		if err != nil {
			p.fail(waiting, err)
			return
		}
		p.inFlight.complete(c.known)
		p.send(ctx, c.ours)
		p.settle(ctx, owner, c.ours)
		p.inFlight.complete(c.ours)
		if waiting = slices.Concat(slices.Collect(maps.Values(c.held))...); len(waiting) == 0 {
			return
		}
		freed, err := p.takeAbandoned(c.held)
		switch {
		case p.inFlight.running.Err() != nil:
			p.fail(waiting, errStopped)
			return
		case err != nil:
			p.fail(waiting, err)
			return
		case freed:
		case time.Since(began) > p.wait:
			p.fail(waiting, errHeld)
			return
		default:
			sleep(p.inFlight.running, claimInterval) //nolint:contextcheck // it ends with the service, not with the request
		}
	}
}

// fail completes events that were not published.
func (p *publisher) fail(events []*pendingEvent, err error) {
	for _, f := range events {
		f.err = err
	}
	p.inFlight.complete(events)
}

// takeAbandoned completes what instances that have ended had claimed, and what this one
// had and could not complete. It reports whether there was any.
func (p *publisher) takeAbandoned(held map[string][]*pendingEvent) (freed bool, err error) {
	ctx := p.inFlight.running
	for owner, events := range held {
		gone, goneErr := p.instance.gone(ctx, owner)
		err = errors.Join(err, goneErr)
		switch {
		case owner == p.instance.name():
			freed, err = true, errors.Join(err, p.recovery.recover(ctx, owner, events))
		case gone:
			freed, err = true, errors.Join(err, p.recovery.recover(ctx, owner, nil))
		default:
			for _, f := range events {
				f.held.Store(true)
			}
		}
	}
	return freed, err
}

// settle makes receipts of what the broker has acknowledged, and drops the claims to what
// it has refused. What it has not answered for stays claimed.
func (p *publisher) settle(ctx context.Context, owner string, sent []*pendingEvent) {
	var published []Receipt
	var refused []identity
	for _, f := range sent {
		switch {
		case f.err == nil:
			published = append(published, f.receipt)
		case !errors.Is(f.err, errStopped) && !errors.Is(f.err, bus.ErrClosed):
			refused = append(refused, f.identity)
		}
	}
	if len(published)+len(refused) == 0 {
		return
	}
	// The events are published: a client that got an error would send them again.
	// Whoever finds the claims reads the topic.
	if err := p.receipts.complete(ctx, owner, published, refused); err != nil {
		p.log.ErrorContext(ctx, "receipts not kept", "error", err)
	}
}

// sleep waits for d or ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// ack is the broker's answer for one record.
type ack struct {
	index     int
	partition int32
	offset    int64
	err       error
}

// send forwards the events in order and waits for the broker's answer for each.
func (p *publisher) send(ctx context.Context, sent []*pendingEvent) {
	acks := make(chan ack, len(sent)) // so that late ones do not block
	for i, f := range sent {
		f.err = errStopped
		p.bus.Forward(ctx, f.record, func(partition int32, offset int64, err error) {
			if err == nil {
				p.end.published(partition, offset)
			}
			acks <- ack{i, partition, offset, err}
		})
	}
	for range sent {
		select {
		case a := <-acks:
			f := sent[a.index]
			if f.err = a.err; f.err == nil {
				f.receipt = receipt(f.identity, a.partition, a.offset)
			}
		case <-p.inFlight.running.Done():
			return
		}
	}
}

// reason is the text of an error for clients.
func (p *publisher) reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "the broker did not acknowledge within " + p.wait.String()
	case errors.Is(err, errBusy):
		return errBusy.Error()
	case errors.Is(err, errStopped):
		return errStopped.Error()
	case errors.Is(err, errHeld):
		return errHeld.Error()
	}
	return "the broker does not accept events now"
}
