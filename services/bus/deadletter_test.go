package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/clustertest"
)

// checkLetter reads the next dead letter.
func checkLetter(t *testing.T, peer *kgo.Client, key, value string, want map[string]string) {
	t.Helper()
	r := readRecord(t, peer)
	h := Headers(r.Headers)
	if string(r.Key) != key || string(r.Value) != value {
		t.Errorf("got %s %s, want %s %s", r.Key, r.Value, key, value)
	}
	for name, text := range want {
		if got := h.Get(name); got != text {
			t.Errorf("%s: got %q, want %q", name, got, text)
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, h.Get(message.DeadTime)); err != nil {
		t.Errorf("time: %v", err)
	}
	if n := strings.Count(headerKeys(r), message.DeadError+" "); n != 1 {
		t.Errorf("got %d error headers, want 1", n)
	}
}

// TestDeadLetter lets one key fail: it is tried again while another key of the
// same partition goes on, then put away with its coordinates.
func TestDeadLetter(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc", func(o *Options) { o.Retry.Attempts = 3 })
	good := make(chan string, 1)
	others := make(chan struct{})
	b.Handle("BAD", func(_ context.Context, m *Message) (any, error) {
		switch m.Key {
		case "permanent":
			return nil, Permanent(errors.New("no use"))
		case "panic":
			panic("boom")
		}
		if m.Attempt == 2 {
			<-others // the good one is handled while this one is being tried
		}
		return nil, fmt.Errorf("attempt %d failed", m.Attempt)
	})
	b.Handle("GOOD", func(_ context.Context, m *Message) (any, error) { good <- m.Key; return nil, nil })
	runBus(t, b)
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.svc.dlq"))
	bad := event("axion.svc", "BAD", "k", `{"n":1}`)
	bad.Headers = append(bad.Headers, Header{Key: "custom", Value: []byte("kept")},
		Header{Key: message.DeadError, Value: []byte("of an earlier life")})
	produce(t, peer, event("axion.svc", "GOOD", "g", `{}`))
	receive(t, good, "good message")
	produce(t, peer, bad, event("axion.svc", "GOOD", "g", `{}`))
	receive(t, good, "good message beside the failing one")
	close(others)

	checkLetter(t, peer, "k", `{"n":1}`, map[string]string{
		"ce_type": "BAD", "custom": "kept", message.DeadTopic: "axion.svc", message.DeadPartition: "0", message.DeadOffset: "1",
		message.DeadAttempts: "3", message.DeadError: "attempt 3 failed", message.DeadService: "svc",
	})
	produce(t, peer, event("axion.svc", "BAD", "permanent", `{}`))
	checkLetter(t, peer, "permanent", `{}`, map[string]string{message.DeadAttempts: "1", message.DeadError: "no use", message.DeadOffset: "3"})
	produce(t, peer, event("axion.svc", "BAD", "panic", `{}`))
	checkLetter(t, peer, "panic", `{}`, map[string]string{message.DeadAttempts: "3", message.DeadError: "handler of BAD panicked: boom"})
	produce(t, peer, event("axion.svc", "WHAT", "", `{}`))
	checkLetter(t, peer, "", `{}`, map[string]string{message.DeadAttempts: "0", message.DeadError: `no handler for type: "WHAT"`})
	eventually(t, "all committed", func() bool { return committed(t, peer, "svc", "axion.svc", 0) == 6 })
}

// TestDeadLetterRefused has the broker refuse the dead letter: the message is
// not committed before it is accepted.
func TestDeadLetterRefused(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster := startCluster(t)
	brokers := cluster.ListenAddrs()
	b := openBus(t, brokers, "svc")
	b.Handle("BAD", func(context.Context, *Message) (any, error) { return nil, Permanent(errors.New("no use")) })
	good := make(chan struct{}, 1)
	b.Handle("GOOD", func(context.Context, *Message) (any, error) { good <- struct{}{}; return nil, nil })
	var accept atomic.Bool
	refused := make(chan struct{}, 1)
	letters := cluster.TopicInfo("axion.svc.dlq").TopicID
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		request := r.(*kmsg.ProduceRequest)
		if accept.Load() || request.Topics[0].TopicID != letters {
			return nil, nil, false
		}
		conn.Signal(refused)
		return refuse(request), nil, true
	})
	runBus(t, b)
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.svc.dlq"))
	produce(t, peer, event("axion.svc", "BAD", "k", `{}`), event("axion.svc", "GOOD", "g", `{}`))
	receive(t, good, "good message")
	for range 3 {
		receive(t, refused, "refused dead letter")
	}
	if got := committed(t, peer, "svc", "axion.svc", 0); got > 0 {
		t.Errorf("got offset %d committed, want none", got)
	}
	accept.Store(true)
	readRecord(t, peer)
	eventually(t, "both committed", func() bool { return committed(t, peer, "svc", "axion.svc", 0) == 2 })
}

// refuse answers a produce request as a broker does that lets nobody in.
func refuse(request *kmsg.ProduceRequest) kmsg.Response {
	response := request.ResponseKind().(*kmsg.ProduceResponse)
	for _, rt := range request.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = rt.Topic, rt.TopicID
		for _, rp := range rt.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = rp.Partition, kerr.TopicAuthorizationFailed.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		response.Topics = append(response.Topics, topic)
	}
	return response
}

// TestDeadLetterTooLarge buries a message that is as large as Kafka allows.
func TestDeadLetterTooLarge(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc")
	b.Handle("BAD", func(context.Context, *Message) (any, error) { return nil, Permanent(errors.New("no use")) })
	runBus(t, b)
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.svc.dlq"), kgo.ProducerBatchMaxBytes(conn.BrokerBatch),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	produce(t, peer, event("axion.svc", "BAD", "k", strings.Repeat("x", conn.BrokerBatch-120)))
	r := readRecord(t, peer)
	if got := Headers(r.Headers).Get(message.DeadOmitted); got != "value" || r.Value != nil {
		t.Errorf("got %q and %d bytes, want the value left out", got, len(r.Value))
	}
}

// TestOutage: an event that fails since the service itself cannot work waits for as
// long as that lasts, and is no dead letter.
func TestOutage(t *testing.T) {
	t.Parallel()
	outage := errors.New("the disk is full")
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc", func(o *Options) {
		o.Retry.Attempts, o.Outage = 3, func(err error) bool { return errors.Is(err, outage) }
	})
	var calls atomic.Int32
	done := make(chan int, 1)
	b.Handle("E", func(_ context.Context, m *Message) (any, error) {
		if calls.Add(1) <= 10 {
			return nil, fmt.Errorf("store: %w", outage)
		}
		done <- m.Attempt
		return nil, nil
	})
	runBus(t, b)
	peer := plainClient(t, brokers)
	produce(t, peer, event("axion.svc", "E", "k", `{}`))
	if attempt := receive(t, done, "the event"); attempt != 1 {
		t.Errorf("got attempt %d, want the first: an outage does not count", attempt)
	}
}
