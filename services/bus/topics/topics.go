package topics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/conn"
)

// connectTimeout bounds the wait for the broker where ctx does not.
const connectTimeout = 30 * time.Second

// RetryUntil calls fn until it succeeds, ctx ends, or connectTimeout is over.
func RetryUntil[T any](ctx context.Context, fn func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var last error
	v, err := backoff.Retry(ctx, func() (T, error) {
		v, err := fn(ctx)
		if err != nil && (last == nil || ctx.Err() == nil) {
			last = err
		}
		return v, err
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 20 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: time.Second,
	}))
	if err != nil && last != nil {
		return v, last // says more than the end of ctx
	}
	return v, err
}

// Ensure creates those of topics that are missing, with the broker's
// default partitions and replication.
func Ensure(ctx context.Context, c *conn.Conn, topics []string) error {
	known, err := c.Admin.ListTopics(ctx, topics...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var missing []string
	for _, topic := range topics {
		d, ok := known[topic]
		switch {
		case !ok || errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			missing = append(missing, topic)
		case d.Err != nil:
			return fmt.Errorf("topic %s: %w", topic, d.Err)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	created, err := c.Admin.CreateTopics(ctx, -1, -1, nil, missing...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, r := range created {
		if r.Err != nil && !errors.Is(r.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", r.Topic, r.Err)
		}
	}
	return await(ctx, c, missing...)
}

// await waits until topics that were created can be used: Apache Kafka's brokers
// learn of them after the answer, and would call them unknown until then.
func await(ctx context.Context, c *conn.Conn, topics ...string) error {
	_, err := RetryUntil(ctx, func(ctx context.Context) (struct{}, error) {
		known, err := c.Admin.ListTopics(ctx, topics...)
		if err != nil {
			return struct{}{}, fmt.Errorf("list topics: %w", err)
		}
		for _, topic := range topics {
			if err := known[topic].Err; err != nil {
				return struct{}{}, fmt.Errorf("topic %s: %w", topic, err)
			}
			for _, p := range known[topic].Partitions {
				if p.Err != nil {
					return struct{}{}, fmt.Errorf("topic %s, partition %d: %w", topic, p.Partition, p.Err)
				}
			}
		}
		return struct{}{}, nil
	})
	return err
}

// EndOffsets are the offsets that the next records of a topic will have.
func EndOffsets(ctx context.Context, c *conn.Conn, topic string) (map[int32]kgo.Offset, error) {
	listed, err := c.Admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("read end offsets of %s: %w", topic, err)
	}
	ends := make(map[int32]kgo.Offset, len(listed[topic]))
	for id, o := range listed[topic] {
		if o.Err != nil {
			return nil, fmt.Errorf("read end offset of %s/%d: %w", topic, id, o.Err)
		}
		ends[id] = kgo.NewOffset().At(o.Offset)
	}
	if len(ends) == 0 {
		return nil, fmt.Errorf("read end offsets of %s: no partitions", topic)
	}
	return ends, nil
}
