package bus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
)

// consumer is one run of the bus in its group: the partitions that it has, and
// what they share.
type consumer struct {
	bus    *Bus
	ctx    context.Context // the parent of the handlers' contexts
	client *kgo.Client
	drain  time.Duration
	window int           // messages of a partition that may wait
	slots  chan struct{} // one for each handler that may run
	dirty  chan struct{} // says that there is something to commit

	workers *workers
	reader  *undecodable.Reader

	// crowded counts the partitions that are; room says that one ceased to be.
	crowded atomic.Int32
	room    chan struct{}

	commitMu sync.Mutex // one commit at a time

	mu    sync.Mutex // guards parts
	parts map[place]*partition
	ready sync.Once
}

// place names a partition.
type place struct {
	topic string
	id    int32
}

func newConsumer(ctx context.Context, b *Bus) *consumer {
	c := &consumer{
		bus: b, ctx: ctx, drain: b.drain,
		window: 4 * b.options.MaxInFlight,
		slots:  make(chan struct{}, b.options.MaxInFlight),
		dirty:  make(chan struct{}, 1), workers: newWorkers(&b.lanes),
		room:  make(chan struct{}, 1),
		parts: make(map[place]*partition),
	}
	c.reader = undecodable.New(c.skip)
	return c
}

// callbacks keep parts equal to the group's assignment. kgo calls them one at
// a time, and not while messages are handed out.
func (c *consumer) callbacks() []kgo.Opt {
	return []kgo.Opt{
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
			c.assign(assigned)
			c.bus.lost.Store(false)
			c.ready.Do(func() { close(c.bus.ready) })
		}),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, revoked map[string][]int32) {
			c.release(ctx, revoked, true)
		}),
		kgo.OnPartitionsLost(func(ctx context.Context, _ *kgo.Client, lost map[string][]int32) {
			c.bus.lost.Store(true)
			c.release(ctx, lost, false)
		}),
		kgo.AdjustFetchOffsetsFn(c.mark),
	}
}

func (c *consumer) assign(assigned map[string][]int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, ids := range assigned {
		for _, id := range ids {
			c.parts[place{topic, id}] = newPartition(c, topic, id)
		}
	}
}

// release gives partitions up. Those that were lost are another member's
// already, so that there is nothing to commit; the wait for their handlers
// keeps the order within keys should they come back.
func (c *consumer) release(ctx context.Context, gone map[string][]int32, commit bool) {
	var parts []*partition
	for topic, ids := range gone {
		for _, id := range ids {
			if p := c.partition(topic, id); p != nil {
				parts = append(parts, p)
			}
		}
	}
	if err := c.giveUp(parts); err != nil {
		c.bus.log.Warn("give up partitions", "error", err)
	}
	if commit {
		if err := c.commit(ctx); err != nil {
			c.bus.log.Warn("give up partitions; some messages will come again", "error", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range parts {
		delete(c.parts, place{p.topic, p.id})
	}
}

// givingUp is what the log says once partitions begin no more messages.
const givingUp = "give up partitions once what is in hand is done"

// giveUp stops partitions and waits for the handlers that run, for the drain
// time at most; then it cancels the context of those that are left.
func (c *consumer) giveUp(parts []*partition) error {
	for _, p := range parts {
		p.stop()
	}
	c.bus.log.Debug(givingUp, "partitions", len(parts))
	timer := time.NewTimer(c.drain)
	defer timer.Stop()
	left := 0
	for _, p := range parts {
		select {
		case <-p.idle:
		case <-timer.C:
			timer.Reset(0) // the time is over for the others too
			left += p.running()
		}
		p.cancel()
	}
	if left > 0 {
		return fmt.Errorf("%s after %s", english.Plural(left, "handler still runs", "handlers still run"), c.drain)
	}
	return nil
}

func (c *consumer) partition(topic string, id int32) *partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts[place{topic, id}]
}

func (c *consumer) all() []*partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	parts := make([]*partition, 0, len(c.parts))
	for _, p := range c.parts {
		parts = append(parts, p)
	}
	return parts
}
