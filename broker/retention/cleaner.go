package retention

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookEvery bounds how far partitions outgrow their size: by what
	// producers write in this time. Kafka looks every five minutes.
	lookEvery = time.Second
	// cleanEvery is Kafka's log.cleaner.backoff.ms: the pace of compaction.
	cleanEvery = 15 * time.Second
)

// Offsets are a partition's. Start is that of the oldest record, Stable the one
// behind the last that belongs to no open transaction, End the one behind all.
type Offsets struct{ Start, Stable, End int64 }

// Log is the broker as a [Cleaner] drives it.
type Log interface {
	// Settings are those of topics. Topics that are gone are left out.
	Settings(ctx context.Context, topics []string) (map[string]Settings, error)
	// Offsets are those of a partition; false where it is gone.
	Offsets(p Partition) (Offsets, bool)
	// DeleteRecords makes a partition begin at an offset.
	DeleteRecords(p Partition, offset int64) error
	// Compact compacts a topic. Within it, while no request is handled, it
	// calls before; an error of that means that nothing is compacted. It
	// calls after once kfake has done it.
	Compact(ctx context.Context, topic string, before, after func() error) error
	// Committed are the offsets that groups have committed in topics: by
	// group.
	Committed(ctx context.Context, topics map[string]bool) (map[string]map[Partition]int64, error)
}

// Options of a [Cleaner].
type Options struct {
	// Dir is kfake's data directory. It is required, as are Log and Journal.
	Dir string
	Log Log
	// Journal receives what people are shown.
	Journal *Journal
	// Space knows what is left of the disk.
	Space *Space
	// Logger takes what only developers want to know; nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Every is the pace of passes, and CleanEvery that of compaction among
	// them. Zero means 1 s and 15 s.
	Every, CleanEvery time.Duration
}

// Cleaner keeps a broker's partitions to their settings. Its methods are safe
// for concurrent use.
type Cleaner struct {
	o      Options
	losses losses

	passes, looks atomic.Int64
	starts        atomic.Pointer[map[Partition]int64]

	mu      sync.Mutex
	changed map[Partition]int64  // bytes that came since the last pass
	touched map[string]time.Time // topics whose settings may have changed, and until when
	all     time.Time            // the same of all topics

	// What follows is for passes alone.
	topics  map[string]*topic
	due     agenda
	size    int64           // bytes of all partitions
	dirty   map[string]bool // topics that may have to be compacted
	cleaned time.Time
	clean   checkpoint
}

// topic is what is known of one.
type topic struct {
	set   *Settings // nil where they are to be read
	parts map[int32]*partition
}

// partition is what is known of one.
type partition struct {
	name     Partition
	segments segments
	known    bool // whether it was looked at
	size     int64
	dirty    int64     // bytes since the last compaction
	since    time.Time // of the first of them
	written  time.Time // the last time that any came
	owed     int64     // bytes that were noted and are not written yet
	until    time.Time // when they are not waited for any more
	at       time.Time // when it is due
	index    int       // in the agenda, from 1 on; 0 is none
}

// New returns a cleaner that has not looked yet.
func New(o Options) *Cleaner {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Every == 0 {
		o.Every = lookEvery
	}
	if o.CleanEvery == 0 {
		o.CleanEvery = cleanEvery
	}
	return &Cleaner{
		o: o, losses: losses{journal: o.Journal}, changed: map[Partition]int64{}, touched: map[string]time.Time{}, topics: map[string]*topic{},
		dirty: map[string]bool{}, clean: readCheckpoint(o.Dir),
	}
}

// Appended notes that a partition gets bytes, before it has them.
func (c *Cleaner) Appended(p Partition, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed[p] += int64(bytes)
}

const (
	// settleTime is for how long a change of settings is looked at: it is
	// noted before the broker has made it.
	settleTime = 2 * time.Second
	// owedTime is for how long bytes are waited for that were noted.
	owedTime = 10 * time.Second
)

// Touched notes that the settings of topics may change, or that the topics come
// or go; without any it is those of all.
func (c *Cleaner) Touched(topics ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(settleTime)
	if len(topics) == 0 {
		c.all = until
	}
	for _, name := range topics {
		c.touched[name] = until
	}
}

// Run passes until ctx ends. The first pass looks at all partitions.
func (c *Cleaner) Run(ctx context.Context) {
	if err := c.load(); err != nil {
		c.o.Logger.Warn("retention: cannot list partitions", "error", err)
	}
	tick := time.NewTicker(c.o.Every)
	defer tick.Stop()
	for {
		c.Pass(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Passes is how many there were.
func (c *Cleaner) Passes() int64 { return c.passes.Load() }

// Looks is how many looks at a partition all passes took.
func (c *Cleaner) Looks() int64 { return c.looks.Load() }

// Starts are the offsets at which the logs of compacted topics begin. Compaction
// moves them. The map is not to be changed.
func (c *Cleaner) Starts() map[Partition]int64 {
	if starts := c.starts.Load(); starts != nil {
		return *starts
	}
	return nil
}

// noteStarts updates the starts of partitions, or forgets them.
func (c *Cleaner) noteStarts(compacted bool, names ...Partition) {
	old := c.Starts()
	var next map[Partition]int64
	for _, name := range names {
		at, ok := c.o.Log.Offsets(name)
		before, was := old[name]
		ok = ok && compacted
		if ok == was && before == at.Start || !ok && !was {
			continue
		}
		if next == nil {
			if next = maps.Clone(old); next == nil {
				next = map[Partition]int64{}
			}
		}
		if next[name] = at.Start; !ok {
			delete(next, name)
		}
	}
	if next != nil {
		c.starts.Store(&next)
	}
}

// load notes every partition that the directory holds as changed.
func (c *Cleaner) load() error {
	entries, err := os.ReadDir(filepath.Join(c.o.Dir, "partitions"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list partitions: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, entry := range entries {
		if p, ok := parseFolder(entry.Name()); ok {
			c.changed[p] += 0
		}
	}
	return nil
}

// Pass looks once at the partitions that have changed or are due, and makes
// what is too old or too much go. Its cost does not depend on the others. It is
// called from one goroutine at a time.
func (c *Cleaner) Pass(ctx context.Context) {
	defer c.passes.Add(1)
	now := c.o.Now()
	look := c.take(now)
	c.looks.Add(int64(len(look)))
	var again []Partition
	defer func() { // what could not be done is tried with the next pass
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, p := range again {
			c.changed[p] += 0
		}
	}()
	if err := c.read(ctx, look); err != nil {
		if ctx.Err() == nil {
			c.o.Logger.Debug("retention: no settings", "error", err)
		}
		for p := range look {
			again = append(again, p.name)
		}
		return
	}
	var gone []deletion
	for p := range look {
		d, err := c.look(p, now)
		if err != nil {
			c.o.Logger.Warn("retention: cannot look at a partition", "partition", p.name.String(), "error", err)
			continue
		}
		if d.to > 0 {
			gone = append(gone, d)
		}
		if p.owed > 0 {
			again = append(again, p.name)
		}
	}
	again = append(again, c.delete(ctx, gone, now)...)
	if now.Sub(c.cleaned) >= c.o.CleanEvery {
		c.cleaned = now
		c.compact(ctx, now)
	}
	c.losses.report(now)
	if c.o.Space != nil {
		c.o.Space.Look(c.size)
	}
}

// take returns which partitions to look at, and forgets the settings that may be
// others now.
func (c *Cleaner) take(now time.Time) map[*partition]bool {
	look := map[*partition]bool{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, bytes := range c.changed {
		p := c.partition(name)
		if bytes > 0 {
			if p.dirty == 0 {
				p.since = now
			}
			p.dirty += bytes
			p.written = now
			p.owed, p.until = p.owed+bytes, time.Now().Add(owedTime)
			c.dirty[name.Topic] = true
		}
		look[p] = true
	}
	clear(c.changed)
	if !c.all.IsZero() {
		for name := range c.topics {
			c.touched[name] = c.all
		}
		c.all = time.Time{}
	}
	for name, until := range c.touched {
		if time.Now().After(until) {
			delete(c.touched, name)
		}
		if t := c.topics[name]; t != nil {
			t.set = nil
			for _, p := range t.parts {
				p.segments = nil // those of another topic of the name
				look[p] = true
			}
		}
	}
	for p := c.due.pop(now); p != nil; p = c.due.pop(now) {
		look[p] = true
	}
	return look
}

// partition is the one of a name, made where it was not known.
func (c *Cleaner) partition(name Partition) *partition {
	t := c.topics[name.Topic]
	if t == nil {
		t = &topic{parts: map[int32]*partition{}}
		c.topics[name.Topic] = t
	}
	p := t.parts[name.ID]
	if p == nil {
		p = &partition{name: name, at: never}
		t.parts[name.ID] = p
	}
	return p
}
