package bus

import (
	"context"
	"testing"

	"axion/services/clustertest"
)

// TestBrokerRestart stops the broker under a running bus and starts it again
// on the same port and directory: requests, events and the group go on.
func TestBrokerRestart(t *testing.T) {
	t.Parallel()
	cluster := clustertest.NewServer(t)
	brokers := cluster.ListenAddrs()
	server, client := openBus(t, brokers, "server"), openBus(t, brokers, "client")
	events := make(chan string, 10)
	server.Handle("ASK", func(_ context.Context, m *Message) (any, error) { return m.Data(), nil })
	server.Handle("EVENT", func(_ context.Context, m *Message) (any, error) { events <- m.ID; return nil, nil })
	stop := runBus(t, server)
	use := func(id string) {
		t.Helper()
		var got question
		err := client.Request(testContext(t), Call{Topic: "axion.server", Type: "ASK", In: question{id}, Out: &got})
		if err != nil || got.Text != id {
			t.Fatalf("got %q, %v; want %s", got.Text, err, id)
		}
		if err := client.Publish(testContext(t), Event{ID: id, Type: "EVENT", Topic: "axion.server", Key: "k"}); err != nil {
			t.Fatal(err)
		}
		for got := receive(t, events, "event"); got != id; got = receive(t, events, "event") {
			t.Logf("event %s again", got) // at least once
		}
	}
	use("before")
	cluster.Stop()
	between := make(chan error, 1)
	go func() {
		between <- client.Publish(testContext(t), Event{ID: "between", Type: "EVENT", Topic: "axion.server", Key: "k"})
	}()
	cluster.Start()
	if err := receive(t, between, "acknowledgement"); err != nil {
		t.Fatal(err)
	}
	for got := receive(t, events, "event sent without a broker"); got != "between"; {
		got = receive(t, events, "event sent without a broker")
	}
	use("after")
	if err := stop(); err != nil {
		t.Error(err)
	}
}
