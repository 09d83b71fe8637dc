package ingest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"axion/services/bus"
	"axion/services/contract"
)

// settleTime is how long what a dead instance had sent may be on its way still, when
// the topic is read for it.
const settleTime = 500 * time.Millisecond

// end is where the topic ends for this instance: what it publishes comes behind. Safe
// for concurrent use.
type end struct {
	mu    sync.Mutex
	known bool
	at    bus.Offsets
}

// offsets are a place before all that is published from now on. Where look fails that
// is the topic's beginning.
func (e *end) offsets(look func() (bus.Offsets, error)) bus.Offsets {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known {
		at, err := look()
		if err != nil {
			return bus.Offsets{}
		}
		e.at, e.known = at, true
	}
	return maps.Clone(e.at)
}

// published notes where a record is.
func (e *end) published(partition int32, offset int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known {
		e.at[partition] = offset + 1
	}
}

// watch sees that the instance has a slot, until ctx ends, and at first completes the claims
// that dead instances have left.
func (s *service) watch(ctx context.Context) error {
	tick := time.NewTicker(checkTime)
	defer tick.Stop()
	recovered := false
	for {
		if err := s.instance.check(ctx); err != nil && ctx.Err() == nil {
			s.host.Log.Warn("instance has no slot; trying again", "error", err)
		}
		if !recovered {
			err := s.recoverAll(ctx)
			if recovered = err == nil; !recovered && ctx.Err() == nil {
				s.host.Log.Warn("events of an earlier run not looked for; trying again", "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *service) recoverAll(ctx context.Context) error {
	owners, err := s.receipts.owners(ctx)
	for _, owner := range owners {
		gone, goneErr := s.instance.gone(ctx, owner)
		if err = errors.Join(err, goneErr); gone {
			err = errors.Join(err, s.recover(ctx, owner, nil))
		}
	}
	return err
}

// recover looks in the topic for what an owner has claimed and does not publish any
// more: what is there gets its receipt, the rest nobody has claimed then. With only,
// it is about these alone.
func (s *service) recover(ctx context.Context, owner string, only []*flight) error {
	s.recovering.Lock()
	defer s.recovering.Unlock()
	ids, after, err := s.receipts.claims(ctx, owner)
	if only != nil {
		ids = slices.DeleteFunc(ids, func(id identity) bool {
			return !slices.ContainsFunc(only, func(f *flight) bool { return f.identity == id })
		})
	}
	if err != nil || len(ids) == 0 {
		return err
	}
	settle := time.NewTimer(settleTime)
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
	_, err = s.host.Bus.Topic(contract.EventsTopic).Scan(ctx, after, func(m *bus.Message) error {
		if id := identify(m.Headers); missing[id] {
			delete(missing, id)
			found = append(found, receipt(id, m.Partition, m.Offset))
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.host.Log.InfoContext(ctx, "events of an instance that ended looked for in the topic", "published", len(found), "not_published",
		len(missing))
	return s.receipts.complete(ctx, owner, found, slices.Collect(maps.Keys(missing)))
}

// identify tells which event a record is.
func identify(h bus.Headers) identity {
	if id := h.Get(headerKey); id != "" {
		return identity{id: id}
	}
	return identity{source: h.Get("ce_source"), id: h.Get("ce_id")}
}
