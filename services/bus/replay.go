package bus

import (
	"context"
	"fmt"
)

// TruncatedTopicError says that a topic has lost its oldest records, so that what was made
// of them cannot be made again.
type TruncatedTopicError struct {
	Topic     string
	Partition int32
	Start     int64 // the oldest offset that is left
}

// Error names the partition.
func (e *TruncatedTopicError) Error() string {
	return fmt.Sprintf("topic %s begins at offset %d of partition %d: its oldest records are gone", e.Topic, e.Start, e.Partition)
}

// Hint says what keeps it from happening.
func (e *TruncatedTopicError) Hint() string {
	return "set the topic's retention.ms and retention.bytes to -1, and restore its records"
}

// Replay reads a topic from its first record to what is its last one now, and
// calls fn with each, in order within a key: one call at a time. It joins no
// group and commits nothing. A topic whose beginning is gone is a [TruncatedTopicError],
// before any call; an error of fn ends the replay and is returned as it is.
func (b *Bus) Replay(ctx context.Context, topic string, fn func(*Message) error) error {
	ends, err := b.whole(ctx, topic)
	if err != nil {
		return fmt.Errorf("replay %s: %w", topic, err)
	}
	return b.readUntil(ctx, topic, Offsets{}, ends, fn)
}

// whole gives the end of each partition that holds records, provided that none
// has lost its first.
func (b *Bus) whole(ctx context.Context, topic string) (map[int32]int64, error) {
	starts, listed, err := b.bounds(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64)
	for id, end := range listed {
		if start := starts[id]; start > 0 {
			return nil, &TruncatedTopicError{Topic: topic, Partition: id, Start: start}
		}
		if end > 0 {
			ends[id] = end
		}
	}
	return ends, nil
}
