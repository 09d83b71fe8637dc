package explorer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"

	"axion/broker/admin"
	"axion/web/view"
)

// TopicDetail is all that the cluster reports of a topic.
type TopicDetail struct {
	Name       string            `json:"name"`
	Internal   bool              `json:"internal" doc:"The cluster's own: only read."`
	Messages   int64             `json:"messages" doc:"How many are kept."`
	Bytes      *int64            `json:"bytes,omitempty" doc:"Of one replica; left out where the cluster does not tell."`
	Rate       float64           `json:"rate" doc:"Messages a second of late."`
	Keeps      string            `json:"keeps,omitempty" doc:"What a partition keeps, for a person."`
	Partitions []PartitionDetail `json:"partitions"`
	Configs    []Config          `json:"configs" doc:"Those that were set come first."`
	// ConfigsError says why the configuration could not be read.
	ConfigsError string         `json:"configsError,omitempty"`
	Groups       []GroupOnTopic `json:"groups"`
}

// PartitionDetail is one partition. Leader is -1 where there is none.
type PartitionDetail struct {
	view.Partition
	Leader   int32   `json:"leader"`
	Replicas []int32 `json:"replicas"`
	InSync   []int32 `json:"inSync"`
}

// Config is one setting of a topic.
type Config struct {
	Name      string `json:"name"`
	Value     string `json:"value" doc:"Empty where it is sensitive."`
	Default   bool   `json:"default" doc:"Nobody has set it for this topic."`
	Sensitive bool   `json:"sensitive,omitempty"`
}

// GroupOnTopic is a group's part in a topic.
type GroupOnTopic struct {
	Name       string               `json:"name"`
	State      string               `json:"state"`
	Members    int                  `json:"members" doc:"Of the whole group."`
	Lag        int64                `json:"lag" doc:"On this topic."`
	Partitions []admin.PartitionLag `json:"partitions" doc:"Of this topic."`
}

// Topic describes one topic. Rate and size are of the last sample.
func (e *Explorer) Topic(ctx context.Context, name string) (TopicDetail, error) {
	t, err := e.admin.DescribeTopic(ctx, name)
	if err != nil {
		return TopicDetail{}, err
	}
	bounds, err := e.offsetRanges(ctx, t, Filter{})
	if err != nil {
		return TopicDetail{}, err
	}
	d := TopicDetail{Name: name, Internal: t.IsInternal, Partitions: []PartitionDetail{}, Configs: []Config{}, Groups: []GroupOnTopic{}}
	for _, p := range t.Partitions.Sorted() {
		b := bounds[p.Partition]
		d.Messages += b.end - b.lo
		d.Partitions = append(d.Partitions, PartitionDetail{
			Partition: view.Partition{ID: p.Partition, Start: b.lo, End: b.end}, Leader: p.Leader, Replicas: emptyIfNil(p.Replicas),
			InSync: emptyIfNil(p.ISR),
		})
	}
	state := e.history.states([]admin.Topic{{Name: name}})[0]
	d.Bytes, d.Rate = state.Bytes, state.Rate
	if keeps, err := e.admin.Retention(ctx, name); err == nil {
		d.Keeps = keeps[name]
	}
	if d.Configs, err = e.configs(ctx, name); err != nil {
		d.ConfigsError = err.Error()
	}
	groups, err := e.admin.Groups().DescribeAll(ctx)
	if err != nil {
		return TopicDetail{}, err
	}
	for _, g := range groups {
		if part, ok := groupOnTopic(g, name); ok {
			d.Groups = append(d.Groups, part)
		}
	}
	return d, nil
}

// groupOnTopic is a group's part in a topic, if it has one.
func groupOnTopic(d admin.GroupDetail, topic string) (GroupOnTopic, bool) {
	part := GroupOnTopic{Name: d.Name, State: d.State, Members: len(d.Members), Partitions: []admin.PartitionLag{}}
	for _, p := range d.Partitions {
		if p.Topic == topic {
			part.Lag += max(p.Lag, 0)
			part.Partitions = append(part.Partitions, p)
		}
	}
	return part, len(part.Partitions) > 0
}

func (e *Explorer) configs(ctx context.Context, topic string) ([]Config, error) {
	described, err := e.admin.Kadm().DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return []Config{}, fmt.Errorf("describe configuration: %w", err)
	}
	resource, err := described.On(topic, nil)
	if err != nil || resource.Err != nil {
		return []Config{}, fmt.Errorf("describe configuration: %w", cmp.Or(err, resource.Err))
	}
	configs := make([]Config, 0, len(resource.Configs))
	for _, c := range resource.Configs {
		configs = append(configs, Config{Name: c.Key, Value: c.MaybeValue(), Default: !isSet(c), Sensitive: c.Sensitive})
	}
	slices.SortFunc(configs, func(a, b Config) int {
		if a.Default != b.Default {
			return map[bool]int{true: 1, false: -1}[a.Default]
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return configs, nil
}

func isSet(c kadm.Config) bool { return c.Source.String() == "DYNAMIC_TOPIC_CONFIG" }

func emptyIfNil(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}
