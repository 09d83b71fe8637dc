package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"axion/services/contract"
)

// publish sends the events that have not been sent before, and returns all
// receipts in order once the broker has said its word on every event, and how many
// it has acknowledged. An error means that it has none. What publish has begun goes
// on when ctx ends: a client that asks again then finds it.
func (s *service) publish(ctx context.Context, events []event) (out []Receipt, good int, err error) {
	all, begun, err := s.flights.board(events)
	if err != nil {
		return nil, 0, err
	}
	if len(begun) > 0 {
		s.flights.group.Go(func() { s.fly(context.WithoutCancel(ctx), begun) })
	}
	out = make([]Receipt, 0, len(all))
	var failed error
	for _, f := range all {
		var r Receipt
		select {
		case <-f.done:
			r, err = f.receipt, f.err
		case <-ctx.Done():
			err = fmt.Errorf("publish events: %w", ctx.Err())
		}
		if err == nil {
			good++
		} else {
			failed = errors.Join(failed, err)
			id := f.event.identity()
			r = Receipt{ID: id.id, Source: id.source, Topic: contract.EventsTopic, Status: http.StatusServiceUnavailable, Error: s.reason(err)}
		}
		out = append(out, r)
	}
	if good == 0 && failed != nil {
		return nil, 0, failed
	}
	return out, good, nil
}

// fly takes the flights from the lookup of earlier receipts to landing.
func (s *service) fly(ctx context.Context, begun []*flight) {
	defer s.flights.land(begun)
	var sent []*flight
	for _, f := range begun {
		known, ok, err := s.receipts.find(ctx, f.event.identity())
		switch {
		case err != nil:
			f.err = err
		case ok:
			f.receipt = known
		default:
			sent = append(sent, f)
		}
	}
	s.send(ctx, sent)
	var fresh []Receipt
	for _, f := range sent {
		if f.err == nil {
			fresh = append(fresh, f.receipt)
		}
	}
	if len(fresh) == 0 {
		return
	}
	// The events are published: a client that were told otherwise would send
	// them again.
	if err := s.receipts.keep(ctx, fresh); err != nil {
		s.host.Log.ErrorContext(ctx, "events may be published twice", "error", err)
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
		s.host.Bus.Forward(ctx, f.event.record(), func(partition int32, offset int64, err error) {
			acks <- ack{i, partition, offset, err}
		})
	}
	for range sent {
		select {
		case a := <-acks:
			f := sent[a.index]
			if f.err = a.err; f.err == nil {
				f.receipt = receipt(f.event.identity(), a.partition, a.offset)
			}
		case <-s.flights.stop:
			return
		}
	}
}
