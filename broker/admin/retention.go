package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/broker/retention"
)

// describeBatch bounds the topics of one request.
const describeBatch = 200

// RetainForever is [Admin.Create] for topics that retention must not cut. Those that
// exist get the settings too.
func (a *Admin) RetainForever(ctx context.Context, partitions int32, topics ...string) error {
	unlimited := "-1"
	settings := map[string]*string{"retention.bytes": &unlimited, "retention.ms": &unlimited}
	old, err := a.create(ctx, partitions, settings, topics)
	if err != nil || len(old) == 0 {
		return err
	}
	var changes []kadm.AlterConfig
	for name, value := range settings {
		changes = append(changes, kadm.AlterConfig{Name: name, Value: value})
	}
	answers, err := a.client.AlterTopicConfigs(ctx, changes, old...)
	if err != nil {
		return fmt.Errorf("retain topics: %w", err)
	}
	for _, topic := range answers {
		if topic.Err != nil {
			return fmt.Errorf("retain topic %q: %w", topic.Name, topic.Err)
		}
	}
	return nil
}

// Retention says for how long, or how much of them, topics keep their records, for a
// person: "7 d or 1 GiB", of each partition. Topics that are gone are left out.
func (a *Admin) Retention(ctx context.Context, topics ...string) (map[string]string, error) {
	retained := make(map[string]string, len(topics))
	for some := range slices.Chunk(topics, describeBatch) {
		resp, err := a.DescribeRetention(ctx, some)
		if err != nil {
			return nil, err
		}
		for name, settings := range retention.ReadSettings(resp) {
			retained[name] = settings.Describe()
		}
	}
	return retained, nil
}

// DescribeRetention asks for the settings of topics that [retention.ReadSettings] reads.
func (a *Admin) DescribeRetention(ctx context.Context, topics []string) (*kmsg.DescribeConfigsResponse, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, topic := range topics {
		resource := kmsg.NewDescribeConfigsRequestResource()
		resource.ResourceType, resource.ResourceName, resource.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, retention.SettingNames()
		req.Resources = append(req.Resources, resource)
	}
	resp, err := req.RequestWith(ctx, a.raw)
	if err != nil {
		return nil, fmt.Errorf("describe configuration: %w", err)
	}
	return resp, nil
}
