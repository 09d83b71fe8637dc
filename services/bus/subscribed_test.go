package bus

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestSubscribed asks what groups of both protocols consume, and one that is none.
func TestSubscribed(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t, "classic-topic", "modern-topic").ListenAddrs()
	b := openBus(t, brokers, "asks")
	modern := kgo.WithContext(context.WithValue(context.Background(),
		"opt_in_kafka_next_gen_balancer_beta", true)) //nolint:staticcheck // kgo's key
	for group, opts := range map[string][]kgo.Opt{"classic": {kgo.ConsumeTopics("classic-topic")},
		"modern": {kgo.ConsumeTopics("modern-topic"), modern}} {
		c := plainClient(t, brokers, append(opts, kgo.ConsumerGroup(group))...)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); c.PollFetches(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
	}
	for _, tt := range []struct {
		groups []string
		want   []string
	}{{[]string{"classic"}, []string{"classic-topic"}}, {[]string{"modern"}, []string{"modern-topic"}},
		{nil, []string{"classic-topic", "modern-topic"}}} {
		for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			got, err := b.Subscribed(testContext(t), tt.groups...)
			if err != nil {
				t.Fatal(err)
			}
			found := len(got) == len(tt.want)
			for _, topic := range tt.want {
				found = found && got[topic]
			}
			if found {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v: got %v, want %v", tt.groups, got, tt.want)
			}
		}
	}
	if got, err := b.Subscribed(testContext(t), "nobody"); err != nil || len(got) != 0 {
		t.Errorf("a group that is not there: got %v, %v", got, err)
	}
}
