package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// EnsureInfiniteRetention makes sure that a topic exists and that the broker never drops a record
// of it, for its age or for the topic's size: what a topic needs that is a
// service's history. It tries until ctx ends, 30 s at the longest.
func (b *Bus) EnsureInfiniteRetention(ctx context.Context, topic string) error {
	_, err := untilDone(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, b.keep(ctx, topic) })
	if err != nil {
		return fmt.Errorf("ensure infinite retention of topic %s: %w", topic, err)
	}
	return nil
}

// endless are the settings that switch retention off, in no order.
var endless = map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}

func (b *Bus) keep(ctx context.Context, topic string) error {
	settings := make(map[string]*string, len(endless))
	for name, value := range endless {
		settings[name] = &value
	}
	_, err := b.admin.CreateTopic(ctx, -1, -1, settings, topic)
	if err == nil {
		return b.settle(ctx, topic)
	}
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		return err
	}
	described, err := b.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return err
	}
	of, err := described.On(topic, nil)
	if err == nil {
		err = of.Err
	}
	if err != nil {
		return err
	}
	var changes []kadm.AlterConfig
	for name, value := range settings {
		if !hasSetting(of.Configs, name, *value) {
			changes = append(changes, kadm.AlterConfig{Name: name, Value: value})
		}
	}
	if len(changes) == 0 {
		return nil // a client may well be allowed to read settings and not to change them
	}
	altered, err := b.admin.AlterTopicConfigs(ctx, changes, topic)
	if err != nil {
		return err
	}
	answer, err := altered.On(topic, nil)
	return errors.Join(err, answer.Err)
}

func hasSetting(configs []kadm.Config, name, value string) bool {
	for _, c := range configs {
		if c.Key == name {
			return c.MaybeValue() == value
		}
	}
	return false
}
