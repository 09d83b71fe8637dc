package broker

import (
	"context"
	"slices"
	"sync"

	"axion/broker/retention"
)

const (
	// keepsEvery is how many samples old the settings of topics may be.
	keepsEvery = 10
	// keepsBatch bounds the topics of one question.
	keepsBatch = 200
)

// Keeps says for how long, or how much of them, topics keep their records, for a
// person: "7 d or 1 GiB", of each partition. Topics that are gone are left out.
func (a *Admin) Keeps(ctx context.Context, topics ...string) (map[string]string, error) {
	told := make(map[string]string, len(topics))
	for some := range slices.Chunk(topics, keepsBatch) {
		resp, err := describeTopics(ctx, a, some)
		if err != nil {
			return nil, err
		}
		for name, settings := range retention.ReadSettings(resp) {
			told[name] = settings.Tell()
		}
	}
	return told, nil
}

// keeps is what topics were told to keep at the last look.
type keeps struct {
	samples int // since the last look; for the sampler alone

	mu   sync.Mutex
	told map[string]string
}

// refresh looks again where it is time, or where a topic is new. What cannot be
// read stays as it was.
func (k *keeps) refresh(ctx context.Context, a *Admin, topics []Topic) {
	names := make([]string, 0, len(topics))
	isNew := false
	for _, t := range topics {
		names = append(names, t.Name)
		isNew = isNew || k.of(t.Name) == ""
	}
	if k.samples++; !isNew && k.samples < keepsEvery {
		return
	}
	told, err := a.Keeps(ctx, names...)
	if err != nil {
		return // such as for want of the right to describe
	}
	k.samples = 0
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = told
}

func (k *keeps) of(topic string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.told[topic]
}
