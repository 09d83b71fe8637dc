package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
)

// CutError says that a topic has lost its oldest records, so that what was made
// of them cannot be made again.
type CutError struct {
	Topic     string
	Partition int32
	Start     int64 // the oldest offset that is left
}

// Error names the partition.
func (e *CutError) Error() string {
	return fmt.Sprintf("topic %s begins at offset %d of partition %d: its oldest records are gone", e.Topic, e.Start, e.Partition)
}

// Mend says what keeps it from happening.
func (e *CutError) Mend() string {
	return "set the topic's retention.ms and retention.bytes to -1, and restore its records"
}

// Replay reads a topic from its first record to what is its last one now, and
// calls fn with each, in order within a key: one call at a time. It joins no
// group and commits nothing. A topic whose beginning is gone is a [CutError],
// before any call; an error of fn ends the replay and is returned as it is.
func (b *Bus) Replay(ctx context.Context, topic string, fn func(*Message) error) error {
	ends, err := b.whole(ctx, topic)
	if err != nil {
		return fmt.Errorf("replay %s: %w", topic, err)
	}
	if len(ends) == 0 {
		return nil
	}
	offsets := make(map[int32]kgo.Offset, len(ends))
	for id := range ends {
		offsets[id] = kgo.NewOffset().At(0)
	}
	reader := undecodable.New(func(batch *undecodable.Batch) error {
		b.log.Error("batch left out of the replay", "error", batch) // it is a dead letter already
		if batch.Next >= ends[batch.Partition] {
			delete(ends, batch.Partition)
		}
		return nil
	})
	for id := range ends {
		reader.Begin(topic, id, 0)
	}
	client, err := kgo.NewClient(append(clientOptions(&b.options), kgo.WithHooks(reader),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.KeepControlRecords(), // they count as offsets: the last one may be such
	)...)
	if err != nil {
		return fmt.Errorf("replay %s: %w", topic, err)
	}
	defer client.Close()
	for len(ends) > 0 {
		fetches := pollFor(ctx, func(ctx context.Context) kgo.Fetches { return client.PollRecords(ctx, pollRecords) })
		if err := errors.Join(ctx.Err(), undecodable.Other(fetches)); err != nil {
			return fmt.Errorf("replay %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			end, open := ends[r.Partition]
			if !open {
				continue
			}
			if r.Offset < end && !r.Attrs.IsControl() {
				if err := fn(newMessage(r)); err != nil {
					return err
				}
			}
			if r.Offset >= end-1 {
				delete(ends, r.Partition)
			}
		}
		b.pass(ctx, reader, client, fetches)
	}
	return nil
}

// whole gives the end of each partition that holds records, provided that none
// has lost its first.
func (b *Bus) whole(ctx context.Context, topic string) (map[int32]int64, error) {
	starts, err := b.admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, err
	}
	listed, err := b.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64)
	for id, end := range listed[topic] {
		if start, ok := starts.Lookup(topic, id); ok && start.Offset > 0 {
			return nil, &CutError{Topic: topic, Partition: id, Start: start.Offset}
		}
		if end.Offset > 0 {
			ends[id] = end.Offset
		}
	}
	return ends, nil
}
