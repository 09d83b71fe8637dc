package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/contract"
)

// InitGroupOffsets commits where the group of o's service begins, on those partitions of
// the service's topics that it has no offset of. A KafkaJS consumer, which else
// would begin at their end, then finds what was sent before it joined for the
// first time. A group that has members is left alone: they commit by themselves.
func InitGroupOffsets(ctx context.Context, o Options) error {
	if err := o.complete(); err != nil {
		return fmt.Errorf("init group offsets: %w", err)
	}
	client, err := kgo.NewClient(clientOptions(&o)...)
	if err != nil {
		return fmt.Errorf("init group offsets of %s: %w", o.Service, err)
	}
	defer client.Close()
	admin, group := kadm.NewClient(client), Group(o.Service)
	topics := []string{contract.Topic(o.Service)}
	for topic := range patternsOf(o.Service) {
		topics = append(topics, topic)
	}
	known, err := admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("init group offsets of %s: %w", o.Service, err)
	}
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("init group offsets of %s: %w", o.Service, err)
	}
	offsets := kadm.Offsets{}
	starts.Each(func(start kadm.ListedOffset) {
		if has, ok := known.Lookup(start.Topic, start.Partition); !ok || has.At < 0 {
			offsets.AddOffset(start.Topic, start.Partition, start.Offset, -1)
		}
	})
	if len(offsets) == 0 {
		return nil
	}
	err = admin.CommitAllOffsets(ctx, group, offsets)
	if err != nil && !errors.Is(err, kerr.UnknownMemberID) && !errors.Is(err, kerr.IllegalGeneration) {
		return fmt.Errorf("init group offsets of %s: %w", o.Service, err)
	}
	return nil
}

// Group is the consumer group of a service, as NestJS names it too.
func Group(service string) string { return service + "-server" }
