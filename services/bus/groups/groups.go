// Package groups names the services' consumer groups, reads their members, and commits
// their first offsets.
package groups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"axion/services/bus/message"
	"axion/services/contract"
)

// Name is the consumer group of a service, as NestJS names it too.
func Name(service string) string { return service + "-server" }

// InitOffsets commits where the group of a service begins, on those partitions of
// the service's topics that it has no offset of. A KafkaJS consumer, which else
// would begin at their end, then reads what was sent before it joined for the
// first time. A group that has members is left as it is: they commit by themselves.
func InitOffsets(ctx context.Context, admin *kadm.Client, service string) error {
	group := Name(service)
	topics := []string{contract.Topic(service)}
	for topic := range message.PatternTypes(service) {
		topics = append(topics, topic)
	}
	known, err := admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("init group offsets of %s: %w", service, err)
	}
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("init group offsets of %s: %w", service, err)
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
		return fmt.Errorf("init group offsets of %s: %w", service, err)
	}
	return nil
}

// Unserved returns those of services that have no instance now: their consumer groups
// have no members. It sends them nothing.
func Unserved(ctx context.Context, admin *kadm.Client, services ...string) ([]string, error) {
	groups := make([]string, len(services))
	for i, service := range services {
		groups[i] = Name(service)
	}
	classic, err := admin.DescribeGroups(ctx, groups...)
	if err != nil {
		return nil, fmt.Errorf("describe groups: %w", err)
	}
	without := slices.DeleteFunc(slices.Clone(services), func(s string) bool { return len(classic[Name(s)].Members) > 0 })
	if len(without) == 0 {
		return nil, nil
	}
	// An error is that of a cluster older than the protocol.
	modern, err := admin.DescribeConsumerGroups(ctx, groups...)
	if err == nil {
		without = slices.DeleteFunc(without, func(s string) bool { return len(modern[Name(s)].Members) > 0 })
	}
	return without, ctx.Err()
}

// Subscribed are the topics that members of the named consumer groups subscribe to, of
// any group where none is named. A group that does not exist subscribes to nothing, nor
// does one that rebalances.
func Subscribed(ctx context.Context, admin *kadm.Client, log *slog.Logger, groups ...string) (map[string]bool, error) {
	topics := make(map[string]bool)
	classic, err := admin.DescribeGroups(ctx, groups...)
	if err != nil {
		return nil, fmt.Errorf("describe consumer groups: %w", err)
	}
	for _, g := range classic {
		for _, m := range g.Members {
			if join, ok := m.Join.AsConsumer(); ok {
				for _, topic := range join.Topics {
					topics[topic] = true
				}
			}
		}
	}
	if len(topics) > 0 && len(groups) == 1 {
		return topics, nil // a group has one of the two protocols
	}
	modern, err := admin.DescribeConsumerGroups(ctx, groups...)
	if err != nil { // a broker that knows only the classic protocol has answered for all
		log.Debug("describe groups of the consumer protocol", "error", err)
	}
	for _, g := range modern {
		for _, m := range g.Members {
			for _, topic := range m.SubscribedTopics {
				topics[topic] = true
			}
		}
	}
	return topics, nil
}
