package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/bus/topics"
)

const (
	// pollRecords is how many messages are enqueued at once at most.
	pollRecords = 512
	// capacityTimeout is how long polling waits for a saturated partition before it
	// goes on with the others.
	capacityTimeout = 50 * time.Millisecond
)

// poll reads messages and enqueues them on their partitions, until ctx ends.
func (s *session) poll(ctx context.Context) {
	defer s.client.AllowRebalance()
	var window conn.PollWindow
	defer window.End()
	for {
		s.awaitCapacity(ctx)
		fetches := s.client.PollRecords(window.Begin(ctx), pollRecords)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		deleted, failed := s.conn.SplitErrors(fetches, "read messages")
		// No partition is revoked between the poll and AllowRebalance. A batch among the
		// records comes before them: what is after it is not committed before it.
		moved := s.conn.SkipUndecodable(ctx, s.reader, s.client, fetches)
		fetches.EachPartition(func(f kgo.FetchTopicPartition) { //nolint:contextcheck // a message's context is its partition's
			if p := s.partition(f.Topic, f.Partition); p != nil && len(f.Records) > 0 {
				p.enqueue(f.Records)
			}
		})
		s.client.AllowRebalance()
		s.resubscribe(ctx, deleted)
		if failed && !moved && fetches.NumRecords() == 0 {
			conn.Sleep(ctx, conn.ErrorDelay)
		}
	}
}

// awaitCapacity blocks polling while a partition is saturated. One whose messages are
// soon processed is not for long; one that is, since a key in it is slow or being
// retried, is paused, so that the others go on.
func (s *session) awaitCapacity(ctx context.Context) {
	if s.saturated.Load() == 0 {
		return
	}
	timer := time.NewTimer(capacityTimeout)
	defer timer.Stop()
	for s.pollingBlocked() {
		select {
		case <-s.capacity:
		case <-ctx.Done():
			return
		case <-timer.C:
			for _, p := range s.all() {
				p.pause()
			}
			return
		}
	}
}

func (s *session) pollingBlocked() bool {
	for _, p := range s.all() {
		if p.blocksPolling() {
			return true
		}
	}
	return false
}

// resubscribe creates topics again after their deletion, and consumes them. The messages
// that were in them are gone.
func (s *session) resubscribe(ctx context.Context, deleted []string) {
	if len(deleted) == 0 {
		return
	}
	s.conn.Log.Warn("topics were deleted; making them again", "topics", deleted)
	for _, p := range s.all() {
		if slices.Contains(deleted, p.topic) {
			p.markTopicDeleted()
		}
	}
	s.client.PurgeTopicsFromConsuming(deleted...)
	_, err := topics.RetryUntil(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, topics.Ensure(ctx, s.conn, deleted)
	})
	if err != nil && ctx.Err() == nil { // kgo polls for them all the same
		s.conn.Log.Error("topics not made again", "topics", deleted, "error", err)
	}
	s.client.AddConsumeTopics(deleted...)
}

// skip has a batch that cannot be decoded put on the dead-letter topic, in its turn.
func (s *session) skip(batch *undecodable.Batch) error {
	p := s.partition(batch.Topic, batch.Partition)
	if p == nil {
		return errors.New("the partition was revoked")
	}
	if _, ok := s.client.CommittedOffsets()[batch.Topic][batch.Partition]; !ok {
		return errors.New("the group's first offset of the partition is not known") // kgo would not move
	}
	p.enqueueBatch(batch)
	return nil
}
