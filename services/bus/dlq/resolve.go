package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/undecodable"
	"axion/services/bus/message"
	"axion/services/contract"
)

// resolver is a method of Client that resolves dead letters, and returns how many.
type resolver func(c *Client, ctx context.Context, letters []*DeadLetter) (done int, err error)

// Replay puts dead letters back on the topics that they came from, one after the other,
// and resolves each. It stops at the first that fails, and returns how many were done.
// One that was replayed and could not be resolved is replayed again by the next call.
//
// A batch that could not be decoded is left where it is: that is a [BatchError], once
// the others are replayed.
func (c *Client) Replay(ctx context.Context, letters []*DeadLetter) (done int, err error) {
	var left *BatchError
	for _, l := range letters {
		if l.Batch != "" {
			if left == nil {
				left = &BatchError{Service: l.Service}
			}
			left.Places = append(left.Places, l.Position())
			continue
		}
		if err := c.replay(ctx, l); err != nil {
			return done, fmt.Errorf("replay %s %s: %w", l.Service, l.Position(), err)
		}
		done++
	}
	if done > 0 {
		err = c.truncate(ctx, letters)
	}
	if left != nil {
		err = errors.Join(err, left)
	}
	return done, err
}

func (c *Client) replay(ctx context.Context, l *DeadLetter) error {
	record := l.original()
	if l.Omitted {
		value, err := c.valueAt(ctx, l.Origin)
		if err != nil {
			return err
		}
		record.Value = value
	}
	err := c.kafka.ProduceSync(ctx, record).FirstErr()
	if errors.Is(err, kerr.MessageTooLarge) { // as it came it was not: what was added goes
		record.Headers = slices.DeleteFunc(record.Headers, func(h kgo.RecordHeader) bool {
			return h.Key == message.DeadReplayed || h.Key == "traceparent" || h.Key == "tracestate"
		})
		err = c.kafka.ProduceSync(ctx, record).FirstErr()
	}
	if err != nil {
		return err
	}
	return c.resolve(ctx, l)
}

// Drop resolves dead letters without replaying them.
func (c *Client) Drop(ctx context.Context, letters []*DeadLetter) (done int, err error) {
	for _, l := range letters {
		if err := c.resolve(ctx, l); err != nil {
			return done, fmt.Errorf("drop %s %s: %w", l.Service, l.Position(), err)
		}
		done++
	}
	return done, c.truncate(ctx, letters)
}

func (c *Client) resolve(ctx context.Context, l *DeadLetter) error {
	return c.kafka.ProduceSync(ctx, &kgo.Record{
		Topic: contract.DeadLetterTopic(l.Service), Partition: l.Partition, Key: l.record.Key,
		Headers: []kgo.RecordHeader{{Key: headerResolved, Value: strconv.AppendInt(nil, l.Offset, 10)}},
	}).FirstErr()
}

// valueAt reads one record of a topic.
func (c *Client) valueAt(ctx context.Context, at Origin) ([]byte, error) {
	gone := fmt.Errorf("its value was too large for a dead letter, and is gone from %s %d:%d", at.Topic, at.Partition, at.Offset)
	starts, err := c.admin.ListStartOffsets(ctx, at.Topic)
	if err != nil {
		return nil, err
	}
	// Reading what is gone would wait for the next message there.
	if start, ok := starts.Lookup(at.Topic, at.Partition); !ok || start.Err != nil || start.Offset > at.Offset {
		return nil, gone
	}
	if b, err := undecodable.Find(ctx, c.kafka, at.Topic, at.Partition, at.Offset); err != nil {
		return nil, err
	} else if b != nil && b.First <= at.Offset {
		return nil, b
	}
	c.kafka.AddConsumePartitions(map[string]map[int32]kgo.Offset{at.Topic: {at.Partition: kgo.NewOffset().At(at.Offset)}})
	// Not from the client: what it writes there next would count from 0 again, and pass
	// for what the broker has.
	defer c.kafka.PurgeTopicsFromConsuming(at.Topic)
	for {
		fetches := c.kafka.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, e := range fetches.Errors() {
			return nil, e.Err
		}
		for _, r := range fetches.Records() {
			if r.Offset != at.Offset {
				return nil, gone
			}
			return r.Value, nil
		}
	}
}

// truncate deletes the records before each partition's first dead letter that is not resolved.
func (c *Client) truncate(ctx context.Context, touched []*DeadLetter) error {
	services := map[string]bool{}
	for _, l := range touched {
		services[l.Service] = true
	}
	for service := range services {
		open, until, err := c.list(ctx, service)
		if err != nil {
			return err
		}
		offsets, topic := kadm.Offsets{}, contract.DeadLetterTopic(service)
		for id, end := range until {
			for _, l := range open {
				if l.Partition == id {
					end = min(end, l.Offset)
				}
			}
			offsets.Add(kadm.Offset{Topic: topic, Partition: id, At: end})
		}
		if _, err := c.admin.DeleteRecords(ctx, offsets); err != nil {
			return fmt.Errorf("truncate %s: %w", topic, err)
		}
	}
	return nil
}
