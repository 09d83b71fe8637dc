package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"axion/web/view"
)

// Topic is a topic and how far its records reach.
type Topic struct {
	Name       string           `json:"name"`
	Messages   int64            `json:"messages"` // records kept: the sum of end - start
	Partitions []view.Partition `json:"partitions"`
	// Internal topics are the cluster's own.
	Internal bool `json:"internal,omitempty"`
}

// ErrNoTopic says that the cluster has no such topic, or none any more.
var ErrNoTopic = errors.New("the broker has no such topic")

// ErrNoPartition says that a topic has no such partition.
var ErrNoPartition = errors.New("the topic has no such partition")

// Topics lists the cluster's topics by name, internal ones left out. A
// partition whose offsets cannot be read (it has no leader) counts as empty.
func (a *Admin) Topics(ctx context.Context) ([]Topic, error) {
	return a.topics(ctx, a.client.ListTopics)
}

// AllTopics is [Admin.Topics] with the internal ones.
func (a *Admin) AllTopics(ctx context.Context) ([]Topic, error) {
	return a.topics(ctx, a.client.ListTopicsWithInternal)
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

// leaderPollInterval is the pace of asking for leaders: a cluster elects them within
// some milliseconds of a topic's creation, and signals it to no one.
const leaderPollInterval = 20 * time.Millisecond

// awaitLeaders waits until every partition of the topics has a leader.
func (a *Admin) awaitLeaders(ctx context.Context, topics []string) error {
	tick := time.NewTicker(leaderPollInterval)
	defer tick.Stop()
	for {
		details, err := a.client.ListTopics(ctx, topics...)
		if err != nil {
			return fmt.Errorf("list topics: %w", err)
		}
		missing := firstLeaderless(details, topics)
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

// firstLeaderless names a topic that lacks a leader, or nothing.
func firstLeaderless(details kadm.TopicDetails, topics []string) string {
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

// DescribeTopic describes one topic, internal ones too.
func (a *Admin) DescribeTopic(ctx context.Context, name string) (kadm.TopicDetail, error) {
	if err := CheckTopicName(name); err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("%w: %w", ErrNoTopic, err)
	}
	details, err := a.client.ListTopicsWithInternal(ctx, name)
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %s: %w", name, err)
	}
	detail, ok := details[name]
	switch {
	case !ok || errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
		return detail, fmt.Errorf("%w: %s", ErrNoTopic, name)
	case detail.Err != nil:
		return detail, fmt.Errorf("describe topic %s: %w", name, detail.Err)
	}
	return detail, nil
}
