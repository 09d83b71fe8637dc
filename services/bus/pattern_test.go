package bus

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/message"
	"axion/services/contract"
)

// TestPatternTopics asks every builtin on every pattern topic, with no ce_type.
func TestPatternTopics(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	client := openBus(t, brokers, "client")
	for service, types := range contract.Requests() {
		b := openBus(t, brokers, service)
		for _, typ := range types {
			b.Handle(typ, func(_ context.Context, m *Message) (any, error) { return []string{m.Type, string(m.Data())}, nil })
		}
		runBus(t, b)
		for _, typ := range types {
			t.Run(contract.PatternTopic(service, typ), func(t *testing.T) {
				var got []string
				err := client.Request(testContext(t), Call{
					Topic: contract.PatternTopic(service, typ), Service: service, In: question{"q"}, Out: &got,
				})
				if err != nil || len(got) != 2 || got[0] != typ || got[1] != `{"text":"q"}` {
					t.Errorf("got %v, %v; want the type and the data", got, err)
				}
			})
		}
	}
}

// TestPatternMessages sends what peers may send on a pattern topic.
func TestPatternMessages(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	const service, typ = contract.Codegen, contract.GenerateCode
	topic := contract.PatternTopic(service, typ)
	b, client := openBus(t, brokers, service), openBus(t, brokers, "client")
	handled := make(chan *Message, 8)
	b.Handle(typ, func(_ context.Context, m *Message) (any, error) {
		handled <- m
		return nil, Permanent(errors.New("no"))
	})
	runBus(t, b)
	peer := plainClient(t, brokers, kgo.ConsumeTopics(contract.DeadLetterTopic(service)))
	t.Run("ForeignType", func(t *testing.T) { // the topic says what is asked
		err := client.Request(testContext(t), Call{Topic: topic, Type: "OTHER"})
		var remote *RemoteError
		if !errors.As(err, &remote) || remote.Message != "no" {
			t.Errorf("got %v, want the handler's error", err)
		}
		if m := receive(t, handled, "message"); m.Type != typ || !m.IsRequest() {
			t.Errorf("got type %q, request %t", m.Type, m.IsRequest())
		}
	})
	t.Run("Event", func(t *testing.T) { // no kafka headers: nobody waits for an answer
		produce(t, peer, &kgo.Record{Topic: topic, Value: []byte(`{"a":1}`)})
		if m := receive(t, handled, "message"); m.Type != typ || m.IsRequest() {
			t.Errorf("got type %q, request %t", m.Type, m.IsRequest())
		}
		if got := Headers(readRecord(t, peer).Headers).Get(message.DeadTopic); got != topic {
			t.Errorf("dead letter of %q, want %q", got, topic)
		}
	})
	t.Run("OrderOfKey", func(t *testing.T) {
		for i := range 5 {
			data, err := json.Marshal([]int{i})
			if err != nil {
				t.Fatal(err)
			}
			produce(t, peer, &kgo.Record{Topic: topic, Key: []byte("p1"), Value: data})
		}
		for i := range 5 {
			if m := receive(t, handled, "message"); string(m.Data()) != "["+string(rune('0'+i))+"]" {
				t.Errorf("message %d: got %s", i, m.Data())
			}
		}
	})
	eventually(t, "all committed", func() bool {
		var sum int64
		for id := range int32(3) {
			sum += max(0, committed(t, peer, service, topic, id))
		}
		return sum == 7
	})
}

// TestPatternUnhandled leaves the topics of requests without a handler alone: a
// peer that does handle them can share the group.
func TestPatternUnhandled(t *testing.T) {
	t.Parallel()
	b := openBus(t, startCluster(t).ListenAddrs(), contract.Codegen)
	b.Handle(contract.GenerateCode, func(context.Context, *Message) (any, error) { return nil, nil })
	b.Handle("OTHER", func(context.Context, *Message) (any, error) { return nil, nil })
	for _, topic := range b.consumer.Subscriptions() {
		if topic != "axion.codegen-service" && topic != "codegen-service.generate-code" {
			t.Errorf("consumes %s", topic)
		}
	}
}

// TestFirstOffsets has the first member of a group commit where it starts, on
// the partitions too where nothing has come, and on topics that it made itself.
func TestFirstOffsets(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc")
	peer := plainClient(t, brokers)
	produce(t, peer, event("axion.svc", "T", "k", `{}`))
	h := func(context.Context, *Message) (any, error) { return nil, nil }
	b.Handle("T", h)
	b.Subscribe("new.topic", h)
	stop := runBus(t, b)
	for topic, want := range map[string][]int64{"axion.svc": {1, 0, 0}, "new.topic": {0, 0, 0}} {
		for id, want := range want {
			eventually(t, "offset committed", func() bool { return committed(t, peer, "svc", topic, int32(id)) == want })
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
