package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/contract"
)

// Scan reads a topic from a place in it to what is its end now, and calls fn with each
// record, in order within a partition: one call at a time. It joins no group, commits
// nothing, and costs one request to the broker where nothing is new. Records that the
// topic has lost are passed over; where it ends before the place, somebody made it
// anew, and it is read from its beginning. next is the place to go on from; an error of
// fn ends the scan, and is returned as it is.
func (b *Bus) Scan(ctx context.Context, topic string, from Offsets, fn func(*Message) error) (next Offsets, err error) {
	starts, ends, err := b.bounds(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("scan %s: %w", topic, err)
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
	if err := b.readUntil(ctx, topic, begin, until, fn); err != nil {
		return nil, err
	}
	return ends, nil
}

// Ends is the place behind a topic's last record.
func (b *Bus) Ends(ctx context.Context, topic string) (Offsets, error) {
	_, ends, err := b.bounds(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("ends of %s: %w", topic, err)
	}
	return ends, nil
}

// bounds are where a topic begins and ends.
func (b *Bus) bounds(ctx context.Context, topic string) (starts, ends Offsets, err error) {
	first, err := b.admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	last, err := b.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = last.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	starts, ends = Offsets{}, Offsets{}
	for id, o := range first[topic] {
		starts[id] = o.Offset
	}
	for id, o := range last[topic] {
		ends[id] = o.Offset
	}
	return starts, ends, nil
}

// readUntil reads the partitions in ends, each from its place in from.
func (b *Bus) readUntil(ctx context.Context, topic string, from Offsets, ends map[int32]int64, fn func(*Message) error) error {
	if len(ends) == 0 {
		return nil
	}
	reader := undecodable.New(func(batch *undecodable.Batch) error {
		b.log.Error("batch left out of what is read", "error", batch) // it is a dead letter already
		if batch.Next >= ends[batch.Partition] {
			delete(ends, batch.Partition)
		}
		return nil
	})
	offsets := make(map[int32]kgo.Offset, len(ends))
	for id := range ends {
		offsets[id] = kgo.NewOffset().At(from[id])
		reader.Begin(topic, id, from[id])
	}
	client, err := kgo.NewClient(append(clientOptions(&b.options), kgo.WithHooks(reader),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
		kgo.KeepControlRecords(), // they count as offsets: the last one may be such
	)...)
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	defer client.Close()
	var window pollWindow
	defer window.end()
	for len(ends) > 0 {
		fetches := client.PollRecords(window.begin(ctx), pollRecords)
		if err := errors.Join(ctx.Err(), undecodable.Other(fetches)); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
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

// AnswersFrom is a place in the service's reply topic that is before the answer to
// every request that is sent from now on.
func (b *Bus) AnswersFrom() Offsets { return b.read.offsets() }

// Answers looks for answers that nobody waits for any more: it scans the service's
// reply topic, as [Bus.Scan] does, and calls fn with the [Call.ID] of each request that
// was answered, to any instance, and the [RemoteError] that the answer is, nil for none.
func (b *Bus) Answers(ctx context.Context, from Offsets, fn func(id string, refused error)) (next Offsets, err error) {
	return b.Scan(ctx, contract.ReplyTopic(b.service), from, func(m *Message) error {
		var refused error
		last := false
		for _, h := range m.Headers {
			switch h.Key {
			case headerError:
				refused, last = newRemoteError(&Call{}, string(h.Value)), true
			case headerDisposed:
				last = true
			}
		}
		if last {
			fn(string(m.correlation), refused)
		}
		return nil
	})
}
