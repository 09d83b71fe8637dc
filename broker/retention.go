package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
)

// retentionEvery bounds how far partitions outgrow their size: by what
// producers write in this time.
const retentionEvery = time.Second

// retain drops what retention no longer keeps, until ctx ends. By itself
// kfake would do so once an hour.
func (b *Broker) retain(ctx context.Context) {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.alive((*kfake.Cluster).ApplyRetention)
		}
	}
}

// Keep is [Admin.Create] for topics that retention must not cut. Those that
// exist get the settings too.
func (a *Admin) Keep(ctx context.Context, partitions int32, topics ...string) error {
	endless := "-1"
	settings := map[string]*string{"retention.bytes": &endless, "retention.ms": &endless}
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
		return fmt.Errorf("keep topics: %w", err)
	}
	for _, topic := range answers {
		if topic.Err != nil {
			return fmt.Errorf("keep topic %q: %w", topic.Name, topic.Err)
		}
	}
	return nil
}
