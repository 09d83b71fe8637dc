package topics

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/bus/message"
)

// maxPolled is how many records a poll returns at most.
const maxPolled = 512

// Scan reads the topic from a position to its present end, and calls fn with each
// record, in order within a partition: one call at a time. It joins no group, commits
// nothing, and costs one request to the broker where nothing is new. Records that the
// topic has lost are skipped; a topic that ends before the position was deleted and made
// again, and is read from its beginning. next is the position to continue from; an error
// of fn ends the scan, and is returned as it is.
func (t Topic) Scan(ctx context.Context, from Offsets, fn func(*message.Message) error) (next Offsets, err error) {
	starts, ends, err := t.bounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("scan %s: %w", t.name, err)
	}
	begin, until := Offsets{}, map[int32]int64{}
	for id, end := range ends {
		at := from[id]
		if at > end {
			at = 0
		}
		if at = max(at, starts[id]); at < end {
			begin[id], until[id] = at, end
		}
	}
	if err := t.readUntil(ctx, begin, until, fn); err != nil {
		return nil, err
	}
	return ends, nil
}

// Ends is the position after the topic's last record.
func (t Topic) Ends(ctx context.Context) (Offsets, error) {
	_, ends, err := t.bounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("ends of %s: %w", t.name, err)
	}
	return ends, nil
}

// bounds are the offsets of the first records and of the next ones.
func (t Topic) bounds(ctx context.Context) (starts, ends Offsets, err error) {
	first, err := t.conn.Admin.ListStartOffsets(ctx, t.name)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	last, err := t.conn.Admin.ListEndOffsets(ctx, t.name)
	if err == nil {
		err = last.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	starts, ends = Offsets{}, Offsets{}
	for id, o := range first[t.name] {
		starts[id] = o.Offset
	}
	for id, o := range last[t.name] {
		ends[id] = o.Offset
	}
	return starts, ends, nil
}

// readUntil reads the partitions in ends, each from its offset in from.
func (t Topic) readUntil(ctx context.Context, from Offsets, ends map[int32]int64, fn func(*message.Message) error) error {
	if len(ends) == 0 {
		return nil
	}
	reader := undecodable.New(func(batch *undecodable.Batch) error {
		t.conn.Log.Error("batch skipped", "error", batch) // it is a dead letter already
		if batch.Next >= ends[batch.Partition] {
			delete(ends, batch.Partition)
		}
		return nil
	})
	offsets := make(map[int32]kgo.Offset, len(ends))
	for id := range ends {
		offsets[id] = kgo.NewOffset().At(from[id])
		reader.Begin(t.name, id, from[id])
	}
	client, err := t.conn.Dial(kgo.WithHooks(reader),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.name: offsets}),
		kgo.KeepControlRecords(), // they count as offsets: the last one may be one of them
	)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.name, err)
	}
	defer client.Close()
	var window conn.PollWindow
	defer window.End()
	for len(ends) > 0 {
		fetches := client.PollRecords(window.Begin(ctx), maxPolled)
		if err := errors.Join(ctx.Err(), undecodable.Other(fetches)); err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
		if err := deliver(fetches, ends, fn); err != nil {
			return err
		}
		t.conn.SkipUndecodable(ctx, reader, client, fetches)
	}
	return nil
}

// deliver calls fn with the messages before the ends, and removes the partitions whose end
// is reached.
func deliver(fetches kgo.Fetches, ends map[int32]int64, fn func(*message.Message) error) error {
	for r := range fetches.RecordsAll() {
		end, open := ends[r.Partition]
		if !open {
			continue
		}
		if r.Offset < end && !r.Attrs.IsControl() {
			if err := fn(message.FromRecord(r)); err != nil {
				return err
			}
		}
		if r.Offset >= end-1 {
			delete(ends, r.Partition)
		}
	}
	return nil
}
