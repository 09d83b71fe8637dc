package bus

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestTail has two instances follow one topic, from before it is there until
// after it was deleted: both get everything.
func TestTail(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	sender := openBus(t, brokers, "sender")
	var got []chan string
	follow := func() {
		b, ids := openBus(t, brokers, "svc"), make(chan string, 10)
		got = append(got, ids)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- b.Topic("axion.feed").Tail(ctx, func(_ context.Context, m *Message) { ids <- m.ID }) }()
		t.Cleanup(func() {
			cancel()
			if err := receive(t, done, "end"); err != nil {
				t.Errorf("Tail: %v", err)
			}
		})
	}
	send := func(id string) {
		t.Helper()
		if err := sender.Publish(testContext(t), Event{ID: id, Type: "X", Topic: "axion.feed"}); err != nil {
			t.Fatal(err)
		}
		for i, ids := range got {
			if first := receive(t, ids, "message"); first != id {
				t.Errorf("instance %d: got %s, want %s", i, first, id)
			}
		}
	}
	id := func() kadm.TopicID {
		topics, err := sender.conn.Admin.ListTopics(testContext(t), "axion.feed")
		if err != nil {
			t.Fatal(err)
		}
		return topics["axion.feed"].ID
	}
	follow()
	eventually(t, "the topic", func() bool { return id() != kadm.TopicID{} })
	send("a")
	follow() // gets what was just before it, too
	if id := receive(t, got[1], "message"); id != "a" {
		t.Errorf("got %s, want a", id)
	}
	send("b")
	send("c")
	old := id()
	if _, err := kadm.NewClient(sender.conn.Client).DeleteTopic(testContext(t), "axion.feed"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic again", func() bool { made := id(); return made != old && made != kadm.TopicID{} })
	sender = openBus(t, brokers, "sender") // that has not seen the old one
	send("d")
}
