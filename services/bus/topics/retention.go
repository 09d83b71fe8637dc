package topics

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// EnsureInfiniteRetention makes sure that the topic exists and that the broker never
// drops a record of it, for its age or for the topic's size: for a topic that is a
// service's history. It tries until ctx ends, 30 s at the longest.
func (t Topic) EnsureInfiniteRetention(ctx context.Context) error {
	_, err := RetryUntil(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, t.ensureInfiniteRetention(ctx) })
	if err != nil {
		return fmt.Errorf("ensure infinite retention of topic %s: %w", t.name, err)
	}
	return nil
}

// infiniteRetention are the settings that switch retention off, in no order.
var infiniteRetention = map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}

func (t Topic) ensureInfiniteRetention(ctx context.Context) error {
	settings := make(map[string]*string, len(infiniteRetention))
	for name, value := range infiniteRetention {
		settings[name] = &value
	}
	_, err := t.conn.Admin.CreateTopic(ctx, -1, -1, settings, t.name)
	if err == nil {
		return await(ctx, t.conn, t.name)
	}
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		return err
	}
	described, err := t.conn.Admin.DescribeTopicConfigs(ctx, t.name)
	if err != nil {
		return err
	}
	of, err := described.On(t.name, nil)
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
	altered, err := t.conn.Admin.AlterTopicConfigs(ctx, changes, t.name)
	if err != nil {
		return err
	}
	answer, err := altered.On(t.name, nil)
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
