package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/bus/deadletter"
	"axion/services/bus/message"
)

const (
	// tailLookback is how far back [Topic.Tail] begins: more than two clocks differ.
	tailLookback = time.Minute
	// partitionsInterval is how often it asks for partitions that were added.
	partitionsInterval = time.Minute
)

// Tail calls fn with every message of the topic, one at a time, until ctx ends: those
// of the last minute and all that follow, with the traces that they carry. Each instance
// of a service that tails a topic gets all of its messages. Nothing is committed: an
// instance misses the messages that come while it is down. The topic is created where
// it is missing. Tail returns nil, or why it could not begin.
func (t Topic) Tail(ctx context.Context, fn func(context.Context, *message.Message)) error {
	f, err := t.newTailer(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("tail %s: %w", t.name, err)
	}
	defer f.client.Close()
	defer f.window.End()
	for f.poll(ctx, fn) {
	}
	return nil
}

// tailer reads all partitions of one topic.
type tailer struct {
	topic     Topic
	client    *kgo.Client
	offsets   map[int32]kgo.Offset // where the reading began, by partition
	checkedAt time.Time            // when it last asked for partitions
	reader    *undecodable.Reader
	window    conn.PollWindow
}

// begin sets where the reading begins.
func (f *tailer) begin(offsets map[int32]kgo.Offset) {
	for id, at := range offsets {
		f.reader.Begin(f.topic.name, id, at.EpochOffset().Offset)
	}
}

func (t Topic) newTailer(ctx context.Context) (*tailer, error) {
	starts, err := RetryUntil(ctx, func(ctx context.Context) (map[int32]kgo.Offset, error) {
		return t.recentOffsets(ctx)
	})
	if err != nil {
		return nil, err
	}
	f := &tailer{
		topic: t, offsets: starts, checkedAt: time.Now(),
		//nolint:contextcheck // a batch is put on the topic until the connection is closed
		reader: undecodable.New(func(batch *undecodable.Batch) error { return deadletter.PutBatch(t.conn, batch) }),
	}
	f.begin(starts)
	f.client, err = t.conn.Dial(kgo.WithHooks(f.reader),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.name: starts}))
	if err != nil {
		return nil, err
	}
	return f, nil
}

// recentOffsets returns the offsets from which the last minute of the topic is read.
func (t Topic) recentOffsets(ctx context.Context) (map[int32]kgo.Offset, error) {
	// The ends are first. kgo's own start by time asks for both at once, and misses a
	// message that comes in between: by time there was none yet, and the end is after it.
	ends, err := t.ensureEnds(ctx)
	if err != nil {
		return nil, err
	}
	listed, err := t.conn.Admin.ListOffsetsAfterMilli(ctx, time.Now().Add(-tailLookback).UnixMilli(), t.name)
	if err != nil {
		return nil, fmt.Errorf("read offsets of %s by time: %w", t.name, err)
	}
	for id, end := range ends {
		o, ok := listed.Lookup(t.name, id)
		if ok && (errors.Is(o.Err, kerr.CorruptMessage) || errors.Is(o.Err, kerr.UnknownServerError)) {
			// The broker cannot decode the batch that may be the first: all is read.
			starts, err := t.conn.Admin.ListStartOffsets(ctx, t.name)
			if err != nil {
				return nil, fmt.Errorf("read start offsets of %s: %w", t.name, err)
			}
			o, ok = starts.Lookup(t.name, id)
		}
		if !ok || o.Err != nil {
			return nil, fmt.Errorf("read offset of %s/%d by time: %w", t.name, id, o.Err)
		}
		ends[id] = kgo.NewOffset().At(min(end.EpochOffset().Offset, o.Offset))
	}
	return ends, nil
}

// poll calls fn with the next messages, and reports whether ctx goes on.
func (f *tailer) poll(ctx context.Context, fn func(context.Context, *message.Message)) bool {
	fetches := f.client.PollFetches(f.window.Begin(ctx))
	if ctx.Err() != nil {
		return false
	}
	fetches.EachRecord(func(r *kgo.Record) {
		m := message.FromRecord(r)
		ctx, span := f.topic.conn.Tracer.StartProcess(ctx, m)
		defer span.End()
		fn(ctx, m)
	})
	moved := f.topic.conn.SkipUndecodable(ctx, f.reader, f.client, fetches)
	if time.Since(f.checkedAt) > partitionsInterval {
		f.refreshPartitions(ctx)
	}
	deleted, failed := f.topic.conn.SplitErrors(fetches, "tail a topic")
	if failed && !moved && fetches.NumRecords() == 0 {
		conn.Sleep(ctx, conn.ErrorDelay)
	}
	if len(deleted) > 0 {
		f.client.PurgeTopicsFromConsuming(f.topic.name)
		clear(f.offsets)
		f.refreshPartitions(ctx)
	}
	return true
}

// refreshPartitions adds the partitions that are new, from their start: all of them
// where the topic was deleted and made again.
func (f *tailer) refreshPartitions(ctx context.Context) {
	ends, err := RetryUntil(ctx, func(ctx context.Context) (map[int32]kgo.Offset, error) {
		return f.topic.ensureEnds(ctx)
	})
	if err != nil {
		if ctx.Err() == nil {
			f.topic.conn.Log.Error("partitions not refreshed", "topic", f.topic.name, "error", err)
		}
		return
	}
	f.checkedAt = time.Now()
	added := make(map[int32]kgo.Offset)
	for id := range ends {
		if _, ok := f.offsets[id]; !ok {
			added[id] = kgo.NewOffset().AtStart()
		}
	}
	maps.Copy(f.offsets, added)
	f.begin(added)
	f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{f.topic.name: added})
}

// ensureEnds returns the ends of the topic, which it creates where it is missing.
func (t Topic) ensureEnds(ctx context.Context) (map[int32]kgo.Offset, error) {
	if err := Ensure(ctx, t.conn, []string{t.name}); err != nil {
		return nil, err
	}
	return EndOffsets(ctx, t.conn, t.name)
}
