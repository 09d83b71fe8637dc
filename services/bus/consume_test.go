package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/clustertest"
)

// event makes a record as a foreign producer would send it, on partition 0.
func event(topic, typ, key, value string) *kgo.Record {
	r := &kgo.Record{Topic: topic, Value: []byte(value)}
	if key != "" {
		r.Key = []byte(key)
	}
	if typ != "" {
		r.Headers = []kgo.RecordHeader{{Key: "ce_type", Value: []byte(typ)}}
	}
	return r
}

// TestOrder blocks one key in its first message: the others of the partition
// go on, those of the key follow in order.
func TestOrder(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc")
	open := make(chan struct{})
	free := make(chan string, 20)
	var mu sync.Mutex
	var slow []string
	done := make(chan struct{})
	b.Handle("T", func(_ context.Context, m *Message) (any, error) {
		if m.Key != "slow" {
			free <- m.Key + string(m.Data())
			return nil, nil
		}
		<-open
		mu.Lock()
		defer mu.Unlock()
		if slow = append(slow, string(m.Data())); len(slow) == 10 {
			close(done)
		}
		return nil, nil
	})
	runBus(t, b)
	peer := plainClient(t, brokers)
	for i := range 10 {
		n := fmt.Sprintf(`[%d]`, i)
		produce(t, peer, event("axion.svc", "T", "slow", n), event("axion.svc", "T", "", n), event("axion.svc", "T", "fast", n))
	}
	var fast, keyless []string
	for range 20 {
		if key, ok := strings.CutPrefix(receive(t, free, "message of another key"), "fast"); ok {
			fast = append(fast, key)
		} else {
			keyless = append(keyless, key)
		}
	}
	close(open)
	receive(t, done, "messages of the slow key")
	want := []string{"[0]", "[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]", "[8]", "[9]"}
	for name, got := range map[string][]string{"slow": slow, "fast": fast} {
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if len(keyless) != 10 {
		t.Errorf("got %d messages without a key, want 10", len(keyless))
	}
}

// TestPoison sends what no consumer expects; the partition goes on.
func TestPoison(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc")
	good := make(chan *Message, 1)
	b.Handle("T", func(_ context.Context, m *Message) (any, error) {
		var v struct{ N int }
		if err := m.Decode(&v); err != nil {
			return nil, err
		}
		good <- m
		return nil, nil
	})
	runBus(t, b)
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.svc.dlq"))
	poison := []*kgo.Record{
		event("axion.svc", "T", "k", `{"n":`),
		event("axion.svc", "T", "k", "\x00\x01\xff"),
		event("axion.svc", "T", "k", `[1]`),
		event("axion.svc", "", "", ``),
		{Topic: "axion.svc", Headers: []kgo.RecordHeader{{Key: "", Value: nil}, {Key: "ce_type", Value: []byte{0xff, 0}}}},
		{Topic: "axion.svc", Key: []byte{}, Value: []byte("x"), Headers: []kgo.RecordHeader{
			{Key: "kafka_correlationId", Value: nil}, {Key: "kafka_replyTopic", Value: []byte("r")},
			{Key: "traceparent", Value: []byte("00-zz")}, {Key: "ce_time", Value: []byte("never")},
		}},
	}
	for _, r := range poison {
		produce(t, peer, r)
		readRecord(t, peer)
	}
	produce(t, peer, event("axion.svc", "T", "k", `{"n":1}`))
	m := receive(t, good, "good message after the poison")
	if want := "axion.svc/0/" + strconv.Itoa(len(poison)); m.ID != want || m.Source != "axion.svc" || m.Time.IsZero() {
		t.Errorf("got id %q, source %q, time %v; want the defaults", m.ID, m.Source, m.Time)
	}
	eventually(t, "all committed", func() bool {
		return committed(t, peer, "svc", "axion.svc", 0) == int64(len(poison)+1)
	})
}

// TestBackpressure sends more than may wait while every handler is held up.
func TestBackpressure(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc", func(o *Options) { o.MaxInFlight = 2 })
	open := make(chan struct{})
	entered := make(chan struct{}, 100)
	b.Handle("T", func(context.Context, *Message) (any, error) {
		entered <- struct{}{}
		<-open
		return nil, nil
	})
	peer := plainClient(t, brokers)
	for range 100 {
		produce(t, peer, event("axion.svc", "T", "", `{}`))
	}
	runBus(t, b)
	receive(t, entered, "first handler")
	receive(t, entered, "second handler")
	if n := len(entered); n != 0 {
		t.Errorf("got %d handlers beyond the bound of 2", n)
	}
	close(open)
	for range 98 {
		receive(t, entered, "message")
	}
	eventually(t, "all committed", func() bool { return committed(t, peer, "svc", "axion.svc", 0) == 100 })
}

// TestSubscribe consumes a foreign topic next to no handlers of its own.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b, other := openBus(t, brokers, "svc"), openBus(t, brokers, "other")
	got := make(chan *Message, 1)
	b.Subscribe("axion.events", func(_ context.Context, m *Message) (any, error) { got <- m; return nil, nil })
	runBus(t, b)
	want := Event{ID: "e1", Type: "X", Topic: "axion.events", Data: "text", Time: time.Unix(7, 0)}
	if err := other.Publish(testContext(t), want); err != nil {
		t.Fatal(err)
	}
	m := receive(t, got, "event")
	if m.ID != want.ID || m.Type != want.Type || m.Source != "other" || !m.Time.Equal(want.Time) || m.Attempt != 1 {
		t.Errorf("got %+v, want %+v", m, want)
	}
	if !json.Valid(m.Data()) || string(m.Data()) != `"text"` {
		t.Errorf("got data %s, want \"text\"", m.Data())
	}
}

// TestStuckKey fills one partition behind a key that hangs: it is read no
// further, while another partition is, and goes on once the key does.
func TestStuckKey(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	const stuck, free = 100, 50
	cluster := startCluster(t)
	brokers := cluster.ListenAddrs()
	b := openBus(t, brokers, "svc", func(o *Options) { o.MaxInFlight = 2 })
	open, entered := make(chan struct{}), make(chan string, stuck+free)
	b.Handle("T", func(_ context.Context, m *Message) (any, error) {
		if m.Key == "stuck" {
			<-open
		}
		entered <- m.Key
		return nil, nil
	})
	peer := plainClient(t, brokers, kgo.ProducerBatchCompression(kgo.NoCompression()))
	for range stuck { // ten in a fetch
		produce(t, peer, event("axion.svc", "T", "stuck", strings.Repeat("x", 100_000)))
	}
	furthest := watchFetches(cluster, "axion.svc", 0)
	runBus(t, b)
	for range free {
		r := event("axion.svc", "T", "free", `{}`)
		r.Partition = 1
		produce(t, peer, r)
		if got := receive(t, entered, "message of the free key"); got != "free" {
			t.Fatalf("got %s, want free", got)
		}
	}
	if got := furthest.Load(); got >= stuck/2 {
		t.Errorf("read up to offset %d behind a stuck key; want the reading to stop", got)
	}
	close(open)
	for range stuck {
		receive(t, entered, "message of the stuck key")
	}
}

// watchFetches keeps the highest offset of a partition that is asked for.
func watchFetches(cluster *clustertest.Broker, topic string, partition int32) *atomic.Int64 {
	id := cluster.TopicInfo(topic).TopicID
	var furthest atomic.Int64
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		for _, t := range r.(*kmsg.FetchRequest).Topics {
			for _, p := range t.Partitions {
				if t.TopicID == id && p.Partition == partition && p.FetchOffset > furthest.Load() {
					furthest.Store(p.FetchOffset)
				}
			}
		}
		return nil, nil, false
	})
	return &furthest
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "svc")
	h := func(context.Context, *Message) (any, error) { return nil, nil }
	panics := func(fn func()) (v any) {
		defer func() { v = recover() }()
		fn()
		return nil
	}
	b.Handle("T", h)
	t.Run("ErrSecondHandler", func(t *testing.T) {
		if panics(func() { b.Handle("T", h) }) == nil {
			t.Error("got no panic")
		}
	})
	runBus(t, b)
	t.Run("ErrLateHandler", func(t *testing.T) {
		if panics(func() { b.Subscribe("t", h) }) == nil {
			t.Error("got no panic")
		}
	})
	t.Run("ErrSecondRun", func(t *testing.T) {
		if err := b.Run(testContext(t)); err == nil {
			t.Error("got no error")
		}
	})
}
