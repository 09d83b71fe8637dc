package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"axion/services/bus"
	"axion/services/contract"
)

// heldTime is how often an event that another instance has claimed is looked after.
const heldTime = 20 * time.Millisecond

// publish sends the items that have not been sent before, and returns all
// receipts in order once the broker has said its word on every item, and how many
// it has acknowledged. An error means that it has none. What publish has begun goes
// on when ctx ends: a client that asks again then finds it.
func (s *service) publish(ctx context.Context, items []item) (out []Receipt, good int, err error) {
	all, begun, err := s.flights.board(items)
	if err != nil {
		return nil, 0, err
	}
	if len(begun) > 0 {
		s.flights.group.Go(func() { s.fly(context.WithoutCancel(ctx), begun) })
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
				Error: s.reason(err)}
		}
		out = append(out, r)
	}
	if good == 0 && failed != nil {
		return nil, 0, failed
	}
	return out, good, nil
}

// await waits for a flight's landing.
func (f *flight) await(ctx context.Context) (Receipt, error) {
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

// fly takes the flights from their claims to landing. Those that another instance has
// claimed wait for what it makes of them, for a time at most; the others not for those.
func (s *service) fly(ctx context.Context, begun []*flight) {
	began := time.Now()
	for waiting := begun; len(waiting) > 0; {
		after := s.end.offsets(func() (bus.Offsets, error) { return s.host.Bus.Topic(contract.EventsTopic).Ends(s.flights.life) })
		owner := s.instance.name()
		c, err := s.receipts.claim(ctx, owner, after, waiting)
		if err != nil {
			s.fail(waiting, err)
			return
		}
		s.flights.land(c.known)
		s.send(ctx, c.ours)
		s.complete(ctx, owner, c.ours)
		s.flights.land(c.ours)
		if waiting = slices.Concat(slices.Collect(maps.Values(c.held))...); len(waiting) == 0 {
			return
		}
		freed, err := s.free(c.held)
		switch {
		case s.flights.life.Err() != nil:
			s.fail(waiting, errStopped)
			return
		case err != nil:
			s.fail(waiting, err)
			return
		case freed:
		case time.Since(began) > s.wait:
			s.fail(waiting, errHeld)
			return
		default:
			sleep(s.flights.life, heldTime)
		}
	}
}

// fail lands flights that have come to nothing.
func (s *service) fail(flights []*flight, err error) {
	for _, f := range flights {
		f.err = err
	}
	s.flights.land(flights)
}

// free completes what instances that have ended had claimed, and what this one had and
// could not complete. It reports whether there was any.
func (s *service) free(held map[string][]*flight) (freed bool, err error) {
	ctx := s.flights.life
	for owner, flights := range held {
		gone, goneErr := s.instance.gone(ctx, owner)
		err = errors.Join(err, goneErr)
		switch {
		case owner == s.instance.name():
			freed, err = true, errors.Join(err, s.recover(ctx, owner, flights))
		case gone:
			freed, err = true, errors.Join(err, s.recover(ctx, owner, nil))
		default:
			for _, f := range flights {
				f.held.Store(true)
			}
		}
	}
	return freed, err
}

// complete makes receipts of what the broker has acknowledged, and gives up the claims
// to what it has refused. What it has said nothing on stays claimed.
func (s *service) complete(ctx context.Context, owner string, sent []*flight) {
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
	// The events are published: a client that were told otherwise would send
	// them again. Who meets the claims looks in the topic.
	if err := s.receipts.complete(ctx, owner, published, refused); err != nil {
		s.host.Log.ErrorContext(ctx, "receipts not kept", "error", err)
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

// ack is the broker's word on one record.
type ack struct {
	index     int
	partition int32
	offset    int64
	err       error
}

// send forwards the flights in order and waits for the broker's word on each.
func (s *service) send(ctx context.Context, sent []*flight) {
	acks := make(chan ack, len(sent)) // so that late ones find room
	for i, f := range sent {
		f.err = errStopped
		s.host.Bus.Forward(ctx, f.record, func(partition int32, offset int64, err error) {
			if err == nil {
				s.end.published(partition, offset)
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
		case <-s.flights.life.Done():
			return
		}
	}
}
