package explorer

import (
	"context"
	"sync"

	"axion/broker/admin"
)

const (
	// retentionSamples is how many samples old the settings of topics may be.
	retentionSamples = 10
)

// retentionCache is the retention of topics, as last asked for.
type retentionCache struct {
	samples int // since then; for the sampler alone

	mu      sync.Mutex
	byTopic map[string]string
}

// refresh asks again where it is time, or where a topic is new. What cannot be
// read stays as it was.
func (c *retentionCache) refresh(ctx context.Context, a *admin.Admin, topics []admin.Topic) {
	names := make([]string, 0, len(topics))
	isNew := false
	for _, t := range topics {
		names = append(names, t.Name)
		isNew = isNew || c.of(t.Name) == ""
	}
	if c.samples++; !isNew && c.samples < retentionSamples {
		return
	}
	byTopic, err := a.Retention(ctx, names...)
	if err != nil {
		return // such as for want of the right to describe
	}
	c.samples = 0
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byTopic = byTopic
}

func (c *retentionCache) of(topic string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byTopic[topic]
}
