package conn

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// PurgeDelay is about how long it takes until a deleted topic is purged from the client.
const PurgeDelay = 10 * time.Millisecond

// IsDeleted reports whether kgo has found a topic deleted. It does so also where there
// is a new topic by that name, until the old one is purged from the client.
func IsDeleted(err error) bool { return errors.Is(err, kerr.UnknownTopicID) }

// topicPurger removes deleted topics from a client that produced to them.
type topicPurger struct {
	wake   chan struct{}
	mu     sync.Mutex
	topics map[string]struct{}
}

var _ kgo.HookProduceRecordUnbuffered = (*topicPurger)(nil)

func newTopicPurger() *topicPurger {
	return &topicPurger{wake: make(chan struct{}, 1), topics: make(map[string]struct{})}
}

// OnProduceRecordUnbuffered collects the topics that kgo refuses. They must not be
// purged here, on kgo's own goroutine.
func (p *topicPurger) OnProduceRecordUnbuffered(r *kgo.Record, err error) {
	if !IsDeleted(err) {
		return
	}
	p.mu.Lock()
	p.topics[r.Topic] = struct{}{}
	p.mu.Unlock()
	Signal(p.wake)
}

// run purges the collected topics, until ctx ends.
func (p *topicPurger) run(ctx context.Context, client *kgo.Client) {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		topics := slices.Collect(maps.Keys(p.topics))
		clear(p.topics)
		p.mu.Unlock()
		client.PurgeTopicsFromProducing(topics...)
	}
}
