package broker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// produceTime bounds the production of one message.
const produceTime = 10 * time.Second

// ErrInternal says that a topic is the cluster's own: nobody else writes to it.
var ErrInternal = errors.New("the topic is the broker's own: it is only read")

// Produce writes one record, to the partition that it names or, where that is
// negative, to the one of its key. It returns the record as it was written.
func (a *Admin) Produce(ctx context.Context, r *kgo.Record) (*kgo.Record, error) {
	t, err := a.topic(ctx, r.Topic)
	if err != nil {
		return nil, err
	}
	if t.IsInternal {
		return nil, fmt.Errorf("%w: %s", ErrInternal, r.Topic)
	}
	if _, ok := t.Partitions[r.Partition]; r.Partition >= 0 && !ok {
		return nil, fmt.Errorf("%w: %s has %d", ErrNoPartition, r.Topic, len(t.Partitions))
	}
	written, err := a.raw.ProduceSync(ctx, r).First()
	if errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID) {
		return nil, fmt.Errorf("%w: %s", ErrNoTopic, r.Topic)
	}
	if err != nil {
		return nil, fmt.Errorf("produce to %s: %w", r.Topic, err)
	}
	return written, nil
}

// newTrace makes a W3C traceparent that begins a trace. It is marked sampled.
func newTrace() string {
	var id [24]byte
	_, _ = rand.Read(id[:]) // never fails
	return "00-" + hex.EncodeToString(id[:16]) + "-" + hex.EncodeToString(id[16:]) + "-01"
}

// namedOrByKey honours a partition that a record names.
type namedOrByKey struct{ byKey kgo.Partitioner }

// ForTopic implements [kgo.Partitioner].
func (p namedOrByKey) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{p.byKey.ForTopic(topic)}
}

type topicPartitioner struct{ kgo.TopicPartitioner }

// Partition implements [kgo.TopicPartitioner].
func (p topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 && int(r.Partition) < n {
		return int(r.Partition)
	}
	return p.TopicPartitioner.Partition(r, n)
}
