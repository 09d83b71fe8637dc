package bus

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// commitDelay gathers what is done into one commit.
	commitDelay = 50 * time.Millisecond
	// commitTime bounds one commit: a rebalance or the shutdown may wait for it.
	commitTime = 5 * time.Second
)

// commitLoop commits soon after messages are done, until ctx ends.
func (c *consumer) commitLoop(ctx context.Context) {
	for {
		select {
		case <-c.dirty:
		case <-ctx.Done():
			return
		}
		sleep(ctx, commitDelay)
		if ctx.Err() != nil {
			return // who stops us commits what is left
		}
		if err := c.commit(ctx); err != nil {
			// A rebalance is under way, or the broker is away: what is not
			// committed will be, or comes again.
			c.bus.log.Debug("commit", "error", err)
			signal(c.dirty)
		}
	}
}

// commit stores, for each partition, the offset before which all is done.
func (c *consumer) commit(ctx context.Context) error {
	c.commitMu.Lock()
	defer c.commitMu.Unlock()
	ahead := make(map[place]kgo.EpochOffset)
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	parts := c.all()
	for _, p := range parts {
		o, ok := p.progress()
		if !ok {
			continue
		}
		if offsets[p.topic] == nil {
			offsets[p.topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.topic][p.id] = o
		ahead[place{p.topic, p.id}] = o
	}
	if len(offsets) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	refused, err := c.commitOffsets(ctx, offsets)
	if err != nil {
		return err
	}
	for _, p := range parts {
		at := place{p.topic, p.id}
		if refused[at] != nil {
			err = fmt.Errorf("commit %s/%d: %w", p.topic, p.id, refused[at])
		} else if o, ok := ahead[at]; ok {
			p.settled(o)
		}
	}
	return err
}

// commitOffsets asks the group's coordinator, and gives the partitions that it
// refused.
func (c *consumer) commitOffsets(ctx context.Context, offsets map[string]map[int32]kgo.EpochOffset) (map[place]error, error) {
	refused := make(map[place]error)
	var failed error
	c.client.CommitOffsetsSync(ctx, offsets,
		func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			if err != nil {
				failed = fmt.Errorf("commit: %w", err)
				return
			}
			// From version 10 on, answers have ids alone. kgo puts the names in, but
			// not where the group has rebalanced since it asked.
			names := make(map[[16]byte]string, len(req.Topics))
			for _, t := range req.Topics {
				names[t.TopicID] = t.Topic
			}
			for _, t := range resp.Topics {
				topic := cmp.Or(t.Topic, names[t.TopicID])
				for _, p := range t.Partitions {
					if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
						refused[place{topic, p.Partition}] = err
					}
				}
			}
		})
	return refused, failed
}
