package requester

import (
	"context"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/conn"
	"axion/services/bus/deadletter"
	"axion/services/bus/message"
	"axion/services/bus/topics"

	"axion/broker/undecodable"
)

// Start creates the service's topics where they are missing, and reads the reply topic
// from its present end. It is in no group: each instance reads all replies and delivers
// its own.
func (q *Requester) Start(ctx context.Context) error {
	//nolint:contextcheck // the batch is put on the topic until the connection is closed
	q.reader.Skip = func(batch *undecodable.Batch) error { return deadletter.PutBatch(q.conn, batch) }
	ends, err := q.findReplies(ctx)
	if err != nil {
		return err
	}
	q.subscribeReplies(ends)
	q.conn.Go(q.readReplies)
	return nil
}

// findReplies creates the service's topics where they are missing, picks the partition
// for the answers, and returns the end of each partition of the reply topic.
func (q *Requester) findReplies(ctx context.Context) (map[int32]kgo.Offset, error) {
	ends, err := topics.RetryUntil(ctx, func(ctx context.Context) (map[int32]kgo.Offset, error) {
		if err := topics.Ensure(ctx, q.conn, q.conn.OwnTopics()); err != nil {
			return nil, err
		}
		return topics.EndOffsets(ctx, q.conn, string(q.replyTopic))
	})
	if err != nil {
		return nil, err
	}
	// Any partition will do; a random one spreads the instances.
	pick := rand.IntN(len(ends))
	for id := range ends {
		if pick--; pick < 0 {
			q.pending.partition.Store(id)
			break
		}
	}
	return ends, nil
}

// subscribeReplies begins to read the reply topic at these offsets.
func (q *Requester) subscribeReplies(from map[int32]kgo.Offset) {
	topic := string(q.replyTopic)
	for id, at := range from {
		q.reader.Begin(topic, id, at.EpochOffset().Offset)
		q.read.Set(id, max(0, at.EpochOffset().Offset))
	}
	q.conn.Client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
}

// readReplies delivers replies until the connection is closed.
func (q *Requester) readReplies() {
	ctx := q.conn.Context()
	var window conn.PollWindow
	defer window.End()
	for {
		fetches := q.conn.Client.PollFetches(window.Begin(ctx))
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		deleted, failed := q.conn.SplitErrors(fetches, "read replies")
		fetches.EachRecord(func(r *kgo.Record) {
			if q.pending.deliver(r) {
				q.conn.Meter.Consumed(r.Topic, 1)
			} else {
				q.conn.Log.Debug("dropped a reply that nobody waits for", "partition", r.Partition, "offset", r.Offset)
			}
		})
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if n := len(f.Records); n > 0 {
				q.read.Set(f.Partition, f.Records[n-1].Offset+1)
			}
		})
		moved := q.conn.SkipUndecodable(ctx, q.reader, q.conn.Client, fetches)
		if len(deleted) > 0 {
			q.resubscribeReplies(ctx)
		}
		if failed && !moved && fetches.NumRecords() == 0 {
			conn.Sleep(ctx, conn.ErrorDelay)
		}
	}
}

// resubscribeReplies creates the reply topic again after its deletion, and reads it from
// its start: answers may be there already.
func (q *Requester) resubscribeReplies(ctx context.Context) {
	topic := string(q.replyTopic)
	q.conn.Log.Warn("topic was deleted; making it again", "topic", topic)
	q.conn.Client.PurgeTopicsFromConsuming(topic)
	for ctx.Err() == nil {
		ends, err := q.findReplies(ctx)
		if err != nil {
			q.conn.Log.Error("topic not made again", "topic", topic, "error", err)
			continue
		}
		for id := range ends {
			ends[id] = kgo.NewOffset().AtStart()
		}
		q.subscribeReplies(ends)
		return
	}
}

// Position is a position in the service's reply topic that is before the answer to
// every request that is sent from now on.
func (q *Requester) Position() topics.Offsets { return q.read.Offsets() }

// Answers finds answers whose callers no longer wait: it scans the service's reply
// topic, as [topics.Topic.Scan] does, and calls fn with the [Call.ID] of each request
// that was answered, to any instance, and the [message.RemoteError] that the answer is,
// nil for none.
func (q *Requester) Answers(
	ctx context.Context, from topics.Offsets, fn func(id string, refused error),
) (next topics.Offsets, err error) {
	return topics.New(q.conn, string(q.replyTopic)).Scan(ctx, from, func(m *message.Message) error {
		var refused error
		last := false
		for _, h := range m.Headers {
			switch h.Key {
			case message.HeaderError:
				refused, last = message.NewRemoteError("", "", "", string(h.Value)), true
			case message.HeaderDisposed:
				last = true
			}
		}
		if last {
			fn(string(m.Correlation), refused)
		}
		return nil
	})
}
