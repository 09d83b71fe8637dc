package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// drainTime is how long handlers may go on after their partition is given up,
// or Run's context ended. It is below the session timeout, so that a slow
// handler does not cost the membership.
const drainTime = 5 * time.Second

const (
	// pollRecords is how many messages are handed out at once at most.
	pollRecords = 512
	// roomTime is how long reading waits for a crowded partition before it
	// goes on with the others.
	roomTime = 50 * time.Millisecond
)

// Ready is closed once Run has the group's assignment: from then on messages
// are handled as they arrive. Without handlers it is closed at once.
func (b *Bus) Ready() <-chan struct{} { return b.ready }

// Run consumes until ctx ends, as the group "<service>-server", whose first
// member ever starts at the oldest messages. Then it lets the handlers that
// run finish, and what comes before them in their partitions, for 5 s at the longest,
// commits what is done and leaves the group; what was read and not begun is left to
// the next to consume. A topic
// that somebody deletes is made again. It returns nil, or what kept it from
// that. Run it once.
func (b *Bus) Run(ctx context.Context) error {
	topics, err := b.begin()
	if err != nil {
		return err
	}
	if len(topics) == 0 {
		close(b.ready)
		<-ctx.Done()
		return nil
	}
	if _, err := untilDone(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, b.ensureTopics(ctx, topics)
	}); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("consume as %s: %w", b.service, err)
	}
	return b.consume(ctx, topics)
}

func (b *Bus) begin() (topics []string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		return nil, fmt.Errorf("consume as %s: Run was called before", b.service)
	}
	b.started = true
	return b.consumed(), nil
}

func (b *Bus) consume(ctx context.Context, topics []string) error {
	c := newConsumer(context.WithoutCancel(ctx), b)
	client, err := kgo.NewClient(append(append(groupOptions(&b.options), c.callbacks()...), kgo.WithHooks(c.reader))...)
	if err != nil {
		return fmt.Errorf("consume as %s: %w", b.service, err)
	}
	c.client = client
	client.AddConsumeTopics(topics...) // only now, since the callbacks need c.client
	committing, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.commitLoop(committing)
	}()
	c.poll(ctx)
	err = c.giveUp(c.all())
	stop()
	<-done
	err = errors.Join(err, c.commit(context.WithoutCancel(ctx)))
	client.CloseAllowingRebalance()
	c.workers.end() // nothing is read any more
	if err != nil {
		return fmt.Errorf("stop consuming as %s: %w", b.service, err)
	}
	return nil
}

// poll reads messages and hands them to their partitions, until ctx ends.
func (c *consumer) poll(ctx context.Context) {
	defer c.client.AllowRebalance()
	var window pollWindow
	defer window.end()
	for {
		c.makeRoom(ctx)
		fetches := c.client.PollRecords(window.begin(ctx), pollRecords)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		deleted, failed := c.bus.errorsOf(fetches, "read messages")
		// No partition is revoked between the poll and AllowRebalance. A batch among the
		// records has its turn before them: what comes behind is not committed before it.
		moved := c.bus.pass(ctx, c.reader, c.client, fetches)
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if p := c.partition(f.Topic, f.Partition); p != nil && len(f.Records) > 0 {
				p.take(f.Records)
			}
		})
		c.client.AllowRebalance()
		c.renew(ctx, deleted)
		if failed && !moved && fetches.NumRecords() == 0 {
			sleep(ctx, errorPause)
		}
	}
}

// makeRoom holds the reading back while a partition is crowded. One that works
// its messages off is soon done; one that does not, since a key in it is slow
// or being tried again, is paused, so that the others go on.
func (c *consumer) makeRoom(ctx context.Context) {
	if c.crowded.Load() == 0 {
		return
	}
	timer := time.NewTimer(roomTime)
	defer timer.Stop()
	for c.heldBack() {
		select {
		case <-c.room:
		case <-ctx.Done():
			return
		case <-timer.C:
			for _, p := range c.all() {
				p.pause()
			}
			return
		}
	}
}

func (c *consumer) heldBack() bool {
	for _, p := range c.all() {
		if p.holdsBack() {
			return true
		}
	}
	return false
}
