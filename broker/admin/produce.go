package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// produceTimeout bounds the production of one message.
const produceTimeout = 10 * time.Second

// ErrInternal says that a topic is the cluster's own: nobody else writes to it.
var ErrInternal = errors.New("the topic is the broker's own: it is only read")

// Produce writes one record, to the partition that it names or, where that is
// negative, to the one of its key. It returns the record as it was written.
func (a *Admin) Produce(ctx context.Context, r *kgo.Record) (*kgo.Record, error) {
	t, err := a.DescribeTopic(ctx, r.Topic)
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
