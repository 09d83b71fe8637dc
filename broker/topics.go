package broker

import (
	"axion/web/view"
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Topic is a topic and how far its records reach.
type Topic struct {
	Name       string           `json:"name"`
	Messages   int64            `json:"messages"` // records kept: the sum of end - start
	Partitions []view.Partition `json:"partitions"`
	// Internal topics are the cluster's own.
	Internal bool `json:"internal,omitempty"`
}

// Topics lists the cluster's topics by name, internal ones left out. A
// partition whose offsets cannot be read (it has no leader) counts as empty.
func (a *Admin) Topics(ctx context.Context) ([]Topic, error) {
	return a.topics(ctx, a.client.ListTopics)
}

func (a *Admin) topics(ctx context.Context, list func(context.Context, ...string) (kadm.TopicDetails, error)) ([]Topic, error) {
	details, err := list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	names := details.Names()
	if len(names) == 0 {
		return []Topic{}, nil
	}
	starts, err := a.client.ListStartOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := a.client.ListEndOffsets(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	topics := make([]Topic, 0, len(names))
	for _, detail := range details.Sorted() {
		if detail.Err != nil {
			continue // deleted since it was listed
		}
		topic := Topic{Name: detail.Topic, Partitions: []view.Partition{}, Internal: detail.IsInternal}
		for _, p := range detail.Partitions.Sorted() {
			part := view.Partition{ID: p.Partition}
			start, okStart := starts.Lookup(detail.Topic, p.Partition)
			end, okEnd := ends.Lookup(detail.Topic, p.Partition)
			if okStart && okEnd && start.Err == nil && end.Err == nil {
				// Retention may move the start past an end read before it.
				part.Start, part.End = start.Offset, max(start.Offset, end.Offset)
			}
			topic.Messages += part.End - part.Start
			topic.Partitions = append(topic.Partitions, part)
		}
		topics = append(topics, topic)
	}
	return topics, nil
}

// ledEvery is the pace of asking for leaders: a cluster elects them within
// some milliseconds of a topic's creation, and signals it to no one.
const ledEvery = 20 * time.Millisecond

// led waits until every partition of the topics has a leader.
func (a *Admin) led(ctx context.Context, topics []string) error {
	tick := time.NewTicker(ledEvery)
	defer tick.Stop()
	for {
		details, err := a.client.ListTopics(ctx, topics...)
		if err != nil {
			return fmt.Errorf("list topics: %w", err)
		}
		missing := leaderless(details, topics)
		if missing == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("topic %q has no leader: %w", missing, ctx.Err())
		case <-tick.C:
		}
	}
}

// leaderless names a topic that lacks a leader, or nothing.
func leaderless(details kadm.TopicDetails, topics []string) string {
	for _, topic := range topics {
		detail, ok := details[topic]
		if !ok || detail.Err != nil || len(detail.Partitions) == 0 {
			return topic
		}
		for _, p := range detail.Partitions {
			if p.Err != nil || p.Leader < 0 {
				return topic
			}
		}
	}
	return ""
}
