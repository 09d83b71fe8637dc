package consumer

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/bus/conn"
)

const (
	// commitDelay is the wait for further messages that one commit covers.
	commitDelay = 50 * time.Millisecond
	// commitTimeout bounds one commit: a rebalance or the shutdown may wait for it.
	commitTimeout = 5 * time.Second
)

// commitLoop commits soon after messages are done, until ctx ends.
func (s *session) commitLoop(ctx context.Context) {
	for {
		select {
		case <-s.commitNeeded:
		case <-ctx.Done():
			return
		}
		conn.Sleep(ctx, commitDelay)
		if ctx.Err() != nil {
			return // the caller that ends ctx commits what is left
		}
		if err := s.commit(ctx); err != nil {
			// A rebalance is under way, or the broker is away: what is not
			// committed will be, or comes again.
			s.conn.Log.Debug("commit", "error", err)
			conn.Signal(s.commitNeeded)
		}
	}
}

// commit stores, for each partition, the offset before which all is done.
func (s *session) commit(ctx context.Context) error {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	ahead := make(map[topicPartition]kgo.EpochOffset)
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	parts := s.all()
	for _, p := range parts {
		o, ok := p.pendingCommit()
		if !ok {
			continue
		}
		if offsets[p.topic] == nil {
			offsets[p.topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.topic][p.id] = o
		ahead[topicPartition{p.topic, p.id}] = o
	}
	if len(offsets) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	refused, err := s.commitOffsets(ctx, offsets)
	if err != nil {
		return err
	}
	for _, p := range parts {
		at := topicPartition{p.topic, p.id}
		if refused[at] != nil {
			err = fmt.Errorf("commit %s/%d: %w", p.topic, p.id, refused[at])
		} else if o, ok := ahead[at]; ok {
			p.markCommitted(o)
		}
	}
	return err
}

// commitOffsets sends offsets to the group's coordinator, and returns the partitions
// that it refused.
func (s *session) commitOffsets(ctx context.Context, offsets map[string]map[int32]kgo.EpochOffset) (map[topicPartition]error, error) {
	refused := make(map[topicPartition]error)
	var failed error
	s.client.CommitOffsetsSync(ctx, offsets,
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
						refused[topicPartition{topic, p.Partition}] = err
					}
				}
			}
		})
	return refused, failed
}
