package retention

import (
	"context"
	"time"
)

// deletion is what is to go of a partition: the records before the offset to,
// and the segments before keep.
type deletion struct {
	p    *partition
	to   int64
	keep int
}

// delete makes records go. It returns the partitions to try again.
func (c *Cleaner) delete(ctx context.Context, gone []deletion, now time.Time) (again []Partition) {
	if len(gone) == 0 {
		return nil
	}
	topics := map[string]bool{}
	for _, d := range gone {
		topics[d.p.name.Topic] = true
	}
	committed, err := c.o.Log.Committed(ctx, topics)
	if err != nil && ctx.Err() == nil {
		c.o.Logger.Warn("retention: cannot tell which groups have not read what goes now", "error", err)
	}
	for _, d := range gone {
		name := d.p.name
		before, ok := c.o.Log.Offsets(name)
		if !ok { // the broker is away, or the topic is gone
			again = append(again, name)
			continue
		}
		if d.to <= before.Start {
			continue // a client was faster
		}
		if err := c.o.Log.DeleteRecords(name, min(d.to, before.End)); err != nil {
			c.o.Logger.Warn("retention: cannot delete records", "partition", name.String(), "error", err)
			again = append(again, name)
			continue
		}
		d.p.segments = d.p.segments[d.keep:]
		size := d.p.segments.bytes()
		c.size += size - d.p.size
		d.p.size = size
		d.p.dirty = min(d.p.dirty, size)
		c.o.Logger.Debug("retention: deleted records", "partition", name.String(), "from", before.Start, "to", d.to)
		for group, at := range committed {
			if read, ok := at[name]; ok && read < d.to {
				c.losses.add(name.Topic, group, d.to-max(read, before.Start), now)
			}
		}
	}
	return again
}
