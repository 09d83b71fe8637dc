package ingest

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"axion/services/bus"
	"axion/services/contract"
)

// settleDelay is how long what an instance that has ended had sent may be on its way still, when
// the topic is read for it.
const settleDelay = 500 * time.Millisecond

// topicEnd is where the topic ends for this instance: what it publishes comes behind. Safe
// for concurrent use.
type topicEnd struct {
	mu    sync.Mutex
	known bool
	at    bus.Offsets
}

// offsets are a place before all that is published from now on. Where read fails that
// is the topic's beginning.
func (e *topicEnd) offsets(read func() (bus.Offsets, error)) bus.Offsets {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known {
		at, err := read()
		if err != nil {
			return bus.Offsets{}
		}
		e.at, e.known = at, true
	}
	return maps.Clone(e.at)
}

// published stores where a record is.
func (e *topicEnd) published(partition int32, offset int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known {
		e.at[partition] = offset + 1
	}
}

// recovery completes the claims of instances that have ended.
type recovery struct {
	bus      *bus.Bus
	log      *slog.Logger
	instance *instance
	receipts *receipts
	mu       sync.Mutex // held while the topic is read
}

// run sees that the instance has a slot, until ctx ends, and at first completes the claims
// that instances which have ended left.
func (r *recovery) run(ctx context.Context) error {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	recovered := false
	for {
		if err := r.instance.check(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("instance has no slot; trying again", "error", err)
		}
		if !recovered {
			err := r.recoverAll(ctx)
			if recovered = err == nil; !recovered && ctx.Err() == nil {
				r.log.Warn("events of an earlier run not looked for; trying again", "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *recovery) recoverAll(ctx context.Context) error {
	owners, err := r.receipts.owners(ctx)
	for _, owner := range owners {
		gone, goneErr := r.instance.gone(ctx, owner)
		if err = errors.Join(err, goneErr); gone {
			err = errors.Join(err, r.recover(ctx, owner, nil))
		}
	}
	return err
}

// recover reads the topic for what an owner has claimed and does not publish any
// more: what is there gets its receipt, the rest is not claimed then. With only,
// it is about these alone.
func (r *recovery) recover(ctx context.Context, owner string, only []*pendingEvent) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids, after, err := r.receipts.claims(ctx, owner)
	if only != nil {
		ids = slices.DeleteFunc(ids, func(id identity) bool {
			return !slices.ContainsFunc(only, func(f *pendingEvent) bool { return f.identity == id })
		})
	}
	if err != nil || len(ids) == 0 {
		return err
	}
	settle := time.NewTimer(settleDelay)
	defer settle.Stop()
	select {
	case <-settle.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	missing := make(map[identity]bool, len(ids))
	for _, id := range ids {
		missing[id] = true
	}
	var found []Receipt
	_, err = r.bus.Topic(contract.EventsTopic).Scan(ctx, after, func(m *bus.Message) error {
		if id := identify(m.Headers); missing[id] {
			delete(missing, id)
			found = append(found, receipt(id, m.Partition, m.Offset))
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.log.InfoContext(ctx, "events of an instance that ended looked for in the topic", "published", len(found), "not_published",
		len(missing))
	return r.receipts.complete(ctx, owner, found, slices.Collect(maps.Keys(missing)))
}

// identify returns which event a record is.
func identify(h bus.Headers) identity {
	if id := h.Get(headerKey); id != "" {
		return identity{id: id}
	}
	return identity{source: h.Get("ce_source"), id: h.Get("ce_id")}
}
