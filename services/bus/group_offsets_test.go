package bus

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/message"
	"axion/services/contract"
)

func TestInitGroupOffsets(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, contract.Codegen)
	topic, pattern := contract.Topic(contract.Codegen), contract.PatternTopic(contract.Codegen, contract.GenerateCode)
	topics := []string{topic}
	for name := range message.PatternTypes(contract.Codegen) {
		topics = append(topics, name)
	}
	makeTopics(t, b, topics...)
	c := plainClient(t, brokers)
	produce(t, c, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("1"),
		Headers: []kgo.RecordHeader{{Key: message.HeaderType, Value: []byte(contract.GenerateCode)}}},
		&kgo.Record{Topic: pattern, Partition: 2, Value: []byte("2")})
	initOffsets := func() {
		t.Helper()
		if err := InitGroupOffsets(testContext(t), Options{Service: contract.Codegen, Brokers: brokers}); err != nil {
			t.Fatal(err)
		}
	}
	initOffsets()
	for _, name := range topics {
		for id := range int32(3) {
			if got := committed(t, c, contract.Codegen, name, id); got != 0 {
				t.Errorf("%s/%d: committed %d, want 0", name, id, got)
			}
		}
	}
	// One that has an offset keeps it, and so does a group with members.
	handled := make(chan struct{}, 2)
	handleAll(b, func(context.Context, *Message) (any, error) { handled <- struct{}{}; return nil, nil })
	stop := runBus(t, b)
	receive(t, handled, "message")
	receive(t, handled, "message")
	eventually(t, "commits", func() bool {
		return committed(t, c, contract.Codegen, topic, 1) == 1 && committed(t, c, contract.Codegen, pattern, 2) == 1
	})
	initOffsets()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	initOffsets()
	if one, two := committed(t, c, contract.Codegen, topic, 1), committed(t, c, contract.Codegen, pattern, 2); one != 1 || two != 1 {
		t.Errorf("committed %d and %d, want 1 and 1", one, two)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := InitGroupOffsets(ctx, Options{Service: contract.Codegen, Brokers: []string{"127.0.0.1:1"}}); err == nil {
		t.Error("no error without a broker")
	}
}
