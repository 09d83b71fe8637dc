package topics

import (
	"context"
	"fmt"

	"axion/services/bus/message"
)

// TruncatedTopicError is the error of a topic that has lost its oldest records, so that
// a projection of it cannot be built again.
type TruncatedTopicError struct {
	Topic     string
	Partition int32
	Start     int64 // the oldest offset that is left
}

// Error names the partition.
func (e *TruncatedTopicError) Error() string {
	return fmt.Sprintf("topic %s begins at offset %d of partition %d: its oldest records are gone", e.Topic, e.Start, e.Partition)
}

// Hint says how to prevent it.
func (e *TruncatedTopicError) Hint() string {
	return "set the topic's retention.ms and retention.bytes to -1, and restore its records"
}

// Replay reads the topic from its first record to its present last one, and calls fn
// with each, in order within a key: one call at a time. It joins no group and commits
// nothing. A topic whose beginning is gone is a [TruncatedTopicError], before any call;
// an error of fn ends the replay and is returned as it is.
func (t Topic) Replay(ctx context.Context, fn func(*message.Message) error) error {
	ends, err := t.partitionEnds(ctx)
	if err != nil {
		return fmt.Errorf("replay %s: %w", t.name, err)
	}
	return t.readUntil(ctx, Offsets{}, ends, fn)
}

// partitionEnds returns the end of each partition that holds records, and an error where
// one has lost its first.
func (t Topic) partitionEnds(ctx context.Context) (map[int32]int64, error) {
	starts, listed, err := t.bounds(ctx)
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64)
	for id, end := range listed {
		if start := starts[id]; start > 0 {
			return nil, &TruncatedTopicError{Topic: t.name, Partition: id, Start: start}
		}
		if end > 0 {
			ends[id] = end
		}
	}
	return ends, nil
}
