package bus

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// errorPause is the wait after a read that gave nothing but errors. kgo asks
// again at once: an error that lasts would take a core, and fill the log.
const errorPause = 250 * time.Millisecond

// forgetTime is about how long a [forgetter] takes.
const forgetTime = 10 * time.Millisecond

// isDeleted reports whether kgo has found a topic deleted. It goes on to find so
// even if there is a new topic by that name, until it is told to forget the old.
func isDeleted(err error) bool { return errors.Is(err, kerr.UnknownTopicID) }

// errorsOf sorts the errors of a read: the topics that were deleted are
// returned, the others logged. failed says that there was any.
func (b *Bus) errorsOf(fetches kgo.Fetches, what string) (deleted []string, failed bool) {
	fetches.EachError(func(topic string, partition int32, err error) {
		if errors.Is(err, context.DeadlineExceeded) {
			return // the poll's own: see pollWindow
		}
		failed = true
		if isDeleted(err) {
			deleted = append(deleted, topic)
			return
		}
		b.log.Warn(what, "topic", topic, "partition", partition, "error", err)
	})
	slices.Sort(deleted)
	return slices.Compact(deleted), failed
}

// renew takes up topics anew that somebody deleted. The messages that were in
// them are gone.
func (c *consumer) renew(ctx context.Context, topics []string) {
	if len(topics) == 0 {
		return
	}
	c.bus.log.Warn("topics were deleted; making them again", "topics", topics)
	for _, p := range c.all() {
		if slices.Contains(topics, p.topic) {
			p.lose()
		}
	}
	c.client.PurgeTopicsFromConsuming(topics...)
	_, err := untilDone(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.bus.ensureTopics(ctx, topics)
	})
	if err != nil && ctx.Err() == nil { // kgo looks out for them all the same
		c.bus.log.Error("topics not made again", "topics", topics, "error", err)
	}
	c.client.AddConsumeTopics(topics...)
}

// renewInbox takes up the reply topic anew, from its start: answers may be there
// already.
func (b *Bus) renewInbox() {
	topic := contract.ReplyTopic(b.service)
	b.log.Warn("topic was deleted; making it again", "topic", topic)
	b.client.PurgeTopicsFromConsuming(topic)
	for b.ctx.Err() == nil {
		ends, err := b.openReplies(b.ctx)
		if err != nil {
			b.log.Error("topic not made again", "topic", topic, "error", err)
			continue
		}
		for id := range ends {
			ends[id] = kgo.NewOffset().AtStart()
		}
		b.consumeReplies(ends)
		return
	}
}

// forgetter has kgo forget the deleted topics that it produced to.
type forgetter struct {
	wake   chan struct{}
	mu     sync.Mutex
	topics map[string]struct{}
}

var _ kgo.HookProduceRecordUnbuffered = (*forgetter)(nil)

func newForgetter() *forgetter {
	return &forgetter{wake: make(chan struct{}, 1), topics: make(map[string]struct{})}
}

// OnProduceRecordUnbuffered notes the topics that kgo refuses. It must not
// forget them here, on kgo's own goroutine.
func (f *forgetter) OnProduceRecordUnbuffered(r *kgo.Record, err error) {
	if !isDeleted(err) {
		return
	}
	f.mu.Lock()
	f.topics[r.Topic] = struct{}{}
	f.mu.Unlock()
	signal(f.wake)
}

// run forgets what was noted, until ctx ends.
func (f *forgetter) run(ctx context.Context, client *kgo.Client) {
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		topics := slices.Collect(maps.Keys(f.topics))
		clear(f.topics)
		f.mu.Unlock()
		client.PurgeTopicsFromProducing(topics...)
	}
}
