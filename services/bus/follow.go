package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
)

const (
	// followBack is how far back [Bus.Tail] begins: more than two clocks differ.
	followBack = time.Minute
	// followEvery is how often it looks for partitions that were added.
	followEvery = time.Minute
)

// Tail calls fn with every message on a topic, one at a time, until ctx ends:
// those of the last minute and all that come, with the traces that they
// are of. Each instance of a service that
// follows a topic gets all of its messages. Nothing is committed, so that what comes
// while the instance is down is not for it. The topic is made where it is missing.
// It returns nil, or what kept it from that.
func (b *Bus) Tail(ctx context.Context, topic string, fn func(context.Context, *Message)) error {
	f, err := b.newFollower(ctx, topic)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("tail %s: %w", topic, err)
	}
	defer f.client.Close()
	defer f.window.end()
	for f.poll(ctx, fn) {
	}
	return nil
}

// follower reads one topic to the partition.
type follower struct {
	bus    *Bus
	client *kgo.Client
	topic  string
	has    map[int32]kgo.Offset
	looked time.Time // when it last looked for partitions
	reader *undecodable.Reader
	window pollWindow
}

// begin says where the reading begins.
func (f *follower) begin(offsets map[int32]kgo.Offset) {
	for id, at := range offsets {
		f.reader.Begin(f.topic, id, at.EpochOffset().Offset)
	}
}

func (b *Bus) newFollower(ctx context.Context, topic string) (*follower, error) {
	starts, err := untilDone(ctx, func(ctx context.Context) (map[int32]kgo.Offset, error) {
		return b.recent(ctx, topic)
	})
	if err != nil {
		return nil, err
	}
	f := &follower{bus: b, topic: topic, has: starts, looked: time.Now(), reader: undecodable.New(b.buryBatch)}
	f.begin(starts)
	f.client, err = kgo.NewClient(append(clientOptions(&b.options), kgo.WithHooks(f.reader),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))...)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// recent gives the offsets from which the last minute of a topic is read.
func (b *Bus) recent(ctx context.Context, topic string) (map[int32]kgo.Offset, error) {
	// The ends come first. kgo's own start by time asks for both at once, and misses a
	// message that comes in between: by time there was none yet, and the end is behind it.
	ends, err := b.madeEnds(ctx, topic)
	if err != nil {
		return nil, err
	}
	listed, err := b.admin.ListOffsetsAfterMilli(ctx, time.Now().Add(-followBack).UnixMilli(), topic)
	if err != nil {
		return nil, fmt.Errorf("read offsets of %s by time: %w", topic, err)
	}
	for id, end := range ends {
		o, ok := listed.Lookup(topic, id)
		if ok && (errors.Is(o.Err, kerr.CorruptMessage) || errors.Is(o.Err, kerr.UnknownServerError)) {
			// The broker cannot decode the batch that may be the first: all is read.
			starts, err := b.admin.ListStartOffsets(ctx, topic)
			if err != nil {
				return nil, fmt.Errorf("read start offsets of %s: %w", topic, err)
			}
			o, ok = starts.Lookup(topic, id)
		}
		if !ok || o.Err != nil {
			return nil, fmt.Errorf("read offset of %s/%d by time: %w", topic, id, o.Err)
		}
		ends[id] = kgo.NewOffset().At(min(end.EpochOffset().Offset, o.Offset))
	}
	return ends, nil
}

// poll hands on what has come, and reports whether there is more to wait for.
func (f *follower) poll(ctx context.Context, fn func(context.Context, *Message)) bool {
	fetches := f.client.PollFetches(f.window.begin(ctx))
	if ctx.Err() != nil {
		return false
	}
	fetches.EachRecord(func(r *kgo.Record) {
		m := newMessage(r)
		ctx, span := f.bus.startProcess(ctx, m)
		defer span.End()
		fn(ctx, m)
	})
	moved := f.bus.pass(ctx, f.reader, f.client, fetches)
	if time.Since(f.looked) > followEvery {
		f.look(ctx)
	}
	deleted, failed := f.bus.errorsOf(fetches, "tail a topic")
	if failed && !moved && fetches.NumRecords() == 0 {
		sleep(ctx, errorPause)
	}
	if len(deleted) > 0 {
		f.client.PurgeTopicsFromConsuming(f.topic)
		clear(f.has)
		f.look(ctx)
	}
	return true
}

// look takes up the partitions that are new, from their start, and the topic anew
// where somebody deleted it.
func (f *follower) look(ctx context.Context) {
	ends, err := untilDone(ctx, func(ctx context.Context) (map[int32]kgo.Offset, error) {
		return f.bus.madeEnds(ctx, f.topic)
	})
	if err != nil {
		if ctx.Err() == nil {
			f.bus.log.Error("partitions not looked for", "topic", f.topic, "error", err)
		}
		return
	}
	f.looked = time.Now()
	added := make(map[int32]kgo.Offset)
	for id := range ends {
		if _, ok := f.has[id]; !ok {
			added[id] = kgo.NewOffset().AtStart()
		}
	}
	maps.Copy(f.has, added)
	f.begin(added)
	f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{f.topic: added})
}

// madeEnds gives the ends of a topic, which it makes where it is missing.
func (b *Bus) madeEnds(ctx context.Context, topic string) (map[int32]kgo.Offset, error) {
	if err := b.ensureTopics(ctx, []string{topic}); err != nil {
		return nil, err
	}
	return b.endOffsets(ctx, topic)
}
