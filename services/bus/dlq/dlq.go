// Package dlq lists dead letters, puts them back where they came from, and drops
// them. A letter that was replayed keeps its ids: a service that did deal with it
// before drops it as a duplicate.
package dlq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/batch"
	"axion/broker/partitioner"
	"axion/broker/undecodable"
	"axion/services/bus/conn"
	"axion/services/contract"
)

// Client reads and resolves dead letters. It is for one goroutine at a time.
type Client struct {
	kafka  *kgo.Client
	admin  *kadm.Client
	reader *undecodable.Reader
}

// Open connects to the brokers, which opts may say more of. The caller closes the
// client.
func Open(brokers []string, opts ...kgo.Opt) (*Client, error) {
	reader := undecodable.New(nil)
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.WithHooks(reader), kgo.WithDecompressor(batch.Decompressor()),
		kgo.SeedBrokers(brokers...), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(conn.BrokerBatch),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(partitioner.ByKey()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DisableClientMetrics(),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("open dead letters: %w", err)
	}
	return &Client{kafka: c, admin: kadm.NewClient(c), reader: reader}, nil
}

// Close ends the connections.
func (c *Client) Close() { c.kafka.Close() }

// List returns the dead letters of a service that are not resolved, oldest first within
// each partition. A service without any has none.
func (c *Client) List(ctx context.Context, service string) ([]*DeadLetter, error) {
	letters, _, err := c.list(ctx, service)
	return letters, err
}

// truncationCheckInterval is how long reading waits before it looks whether there is still
// something to read.
const truncationCheckInterval = time.Second

// ends are offsets by partition.
type ends map[int32]int64

func (c *Client) list(ctx context.Context, service string) ([]*DeadLetter, ends, error) {
	topic := contract.DeadLetterTopic(service)
	fail := func(err error) ([]*DeadLetter, ends, error) {
		return nil, nil, fmt.Errorf("list dead letters of %s: %w", service, err)
	}
	starts, err := c.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return fail(err)
	}
	listed, err := c.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return fail(err)
	}
	until, from := ends{}, map[int32]kgo.Offset{}
	for id, end := range listed[topic] {
		start, _ := starts.Lookup(topic, id)
		switch err := errors.Join(end.Err, start.Err); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
		case err != nil:
			return fail(err)
		case start.Offset < end.Offset:
			until[id], from[id] = end.Offset, kgo.NewOffset().At(start.Offset)
		}
	}
	letters, err := c.read(ctx, service, from, until)
	if err != nil {
		return fail(err)
	}
	return letters, until, nil
}

// read consumes up to the offsets that were the ends.
func (c *Client) read(ctx context.Context, service string, from map[int32]kgo.Offset, until ends) ([]*DeadLetter, error) {
	topic := contract.DeadLetterTopic(service)
	l := newListing(service, until)
	c.reader.Skip = l.addBatch
	for id, at := range from {
		c.reader.Begin(topic, id, at.EpochOffset().Offset)
	}
	c.kafka.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	defer func() {
		c.kafka.PurgeTopicsFromConsuming(topic)
		c.reader.Forget(topic)
	}()
	for len(l.unread) > 0 {
		fetches, err := c.poll(ctx, topic, l.unread)
		if err != nil {
			return nil, err
		}
		fetches.EachRecord(l.add)
	}
	return l.open(), nil
}

// poll returns what has come. When nothing has for a while, it removes the partitions from
// unread whose rest another client has truncated.
func (c *Client) poll(ctx context.Context, topic string, unread ends) (kgo.Fetches, error) {
	wait, cancel := context.WithTimeout(ctx, truncationCheckInterval)
	defer cancel()
	fetches := c.kafka.PollFetches(wait)
	if _, err := c.reader.Polled(ctx, c.kafka, fetches); err != nil {
		return nil, err
	}
	if !errors.Is(fetches.Err0(), context.DeadlineExceeded) || ctx.Err() != nil {
		return fetches, errors.Join(ctx.Err(), undecodable.Other(fetches))
	}
	starts, err := c.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	starts.Each(func(start kadm.ListedOffset) {
		if start.Err == nil && start.Offset >= unread[start.Partition] {
			delete(unread, start.Partition)
		}
	})
	return nil, starts.Error()
}

// resolvedOffset returns the offset of the dead letter that a record resolves.
func resolvedOffset(r *kgo.Record) (offset int64, ok bool) {
	for _, h := range r.Headers {
		if h.Key == headerResolved {
			n, err := strconv.ParseInt(string(h.Value), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
