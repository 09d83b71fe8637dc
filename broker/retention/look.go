package retention

import (
	"context"
	"time"
)

// read reads the settings that are not known, and forgets the topics that are
// gone.
func (c *Cleaner) read(ctx context.Context, look map[*partition]bool) error {
	var names []string
	asked := map[string]bool{}
	for p := range look {
		if name := p.name.Topic; c.topics[name].set == nil && !asked[name] {
			asked[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	read, err := c.o.Log.Settings(ctx, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if set, ok := read[name]; ok {
			c.topics[name].set = &set
			continue
		}
		for _, p := range c.topics[name].parts {
			c.noteStarts(false, p.name)
			c.size -= p.size
			c.due.remove(p)
			delete(look, p)
		}
		delete(c.topics, name)
	}
	return nil
}

// look reads a partition's segments, and returns what is to go.
func (c *Cleaner) look(p *partition, now time.Time) (deletion, error) {
	folder := p.name.folder(c.o.Dir)
	next, err := p.segments.refresh(folder)
	if err != nil {
		return deletion{}, err
	}
	first := !p.known
	p.segments, p.known = next, true
	grown := next.bytes() - p.size
	p.size += grown
	c.size += grown
	if p.owed = max(p.owed-max(grown, 0), 0); p.owed > 0 && time.Now().After(p.until) {
		p.owed = 0
	}
	set := *c.topics[p.name.Topic].set
	if _, was := c.Starts()[p.name]; set.Compact || was {
		c.noteStarts(set.Compact, p.name)
	}
	if first && set.Compact && p.size > 0 && p.dirty < p.size && !c.clean.has(c.o.Log, p.name) {
		p.dirty, p.since, p.written = p.size, now, now
		c.dirty[p.name.Topic] = true
	}
	upTo, keep, at, err := next.plan(folder, set, now)
	if err != nil {
		return deletion{}, err
	}
	c.due.set(p, at)
	return deletion{p: p, to: upTo, keep: keep}, nil
}
