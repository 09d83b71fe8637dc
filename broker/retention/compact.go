package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errOpen says that a transaction is open: kfake would take its records for
// committed ones, and drop what they may never replace.
var errOpen = errors.New("a transaction is open")

// compact compacts the topics that are dirty.
func (c *Cleaner) compact(ctx context.Context, now time.Time) {
	for name := range c.dirty {
		if ctx.Err() != nil {
			return
		}
		t := c.topics[name]
		if t == nil || t.set != nil && !t.set.Compact {
			delete(c.dirty, name)
			continue
		}
		if t.set == nil || !t.dirty(now) {
			continue
		}
		parts := t.all()
		if !c.affords(parts) {
			c.o.Logger.Debug("retention: no room on the disk to compact", "topic", name)
			continue
		}
		err := c.o.Log.Compact(ctx, name,
			func() error { return c.secure(parts) },
			func() error {
				for _, p := range parts {
					c.noteStarts(true, p.name)
				}
				return dropCopies(c.o.Dir)
			},
		)
		switch {
		case errors.Is(err, errOpen):
			continue // until it ends
		case err != nil:
			if ctx.Err() == nil {
				c.o.Logger.Warn("retention: cannot compact", "topic", name, "error", err)
			}
			continue
		}
		c.compacted(parts)
		delete(c.dirty, name)
	}
}

// dirty reports whether enough came since the last compaction.
func (t *topic) dirty(now time.Time) bool {
	for _, p := range t.parts {
		switch {
		case p.dirty == 0, now.Sub(p.written) < t.set.MinLag:
		case now.Sub(p.since) >= t.set.MaxLag, float64(p.dirty) > t.set.DirtyRatio*float64(max(p.size, p.dirty)):
			return true
		}
	}
	return false
}

func (t *topic) all() []*partition {
	parts := make([]*partition, 0, len(t.parts))
	for _, p := range t.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *partition) int { return int(a.name.ID - b.name.ID) })
	return parts
}

// affords reports whether the disk bears a second copy of the partitions.
func (c *Cleaner) affords(parts []*partition) bool {
	if c.o.Space == nil {
		return true
	}
	total := int64(0)
	for _, p := range parts {
		total += p.size
	}
	return c.o.Space.affords(total)
}

// affords reports whether there is room for as many bytes above the reserve.
func (s *Space) affords(bytes int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measure(s.now())
	return s.known.Total == 0 || s.left()-bytes >= s.reserve()
}

// secure refuses to compact within a transaction, and keeps the files as they
// are in case that the process ends within the compaction. It is called while
// the broker handles no request.
func (c *Cleaner) secure(parts []*partition) error {
	for _, p := range parts {
		if at, ok := c.o.Log.Offsets(p.name); ok && at.Stable < at.End {
			return errOpen
		}
	}
	folders := make([]string, 0, len(parts))
	for _, p := range parts {
		folders = append(folders, p.name.folder(c.o.Dir))
	}
	return keepCopies(c.o.Dir, folders)
}

// compacted notes what is left.
func (c *Cleaner) compacted(parts []*partition) {
	for _, p := range parts {
		before := p.size
		if next, err := segments(nil).refresh(p.name.folder(c.o.Dir)); err == nil {
			p.segments = next
			c.size += next.bytes() - p.size
			p.size = next.bytes()
		}
		p.dirty = 0
		c.clean.set(c.o.Log, p.name)
		c.o.Logger.Debug("retention: compacted", "partition", p.name.String(), "before", before, "after", p.size)
	}
	if err := c.clean.write(c.o.Dir); err != nil {
		c.o.Logger.Debug("retention: the compaction is not noted", "error", fmt.Errorf("write checkpoint: %w", err))
	}
}
