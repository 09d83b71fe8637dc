package bus

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/message"
	"axion/services/contract"
)

var traceparent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-9a-f]$`)

// headerKeys lists a record's header keys in order.
func headerKeys(r *kgo.Record) string {
	keys := ""
	for _, h := range r.Headers {
		keys += h.Key + " "
	}
	return keys
}

// TestEventWire reads a published event with a client that knows no bus.
func TestEventWire(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "graph-service")
	topic := contract.Topic("deployment-service")
	reader := plainClient(t, brokers, kgo.ConsumeTopics(topic))
	makeTopics(t, b, topic)
	data := `{"projectId":"` + strings.Repeat("p", 4096) + `"}` // worth compressing
	at := time.Date(2026, 3, 4, 5, 6, 7, 800, time.FixedZone("", 3600))
	err := b.Publish(testContext(t), Event{
		ID: "id-1", Type: "PROJECT_CREATED", Topic: topic, Key: "p1", Time: at, Data: json.RawMessage(data),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := readRecord(t, reader)
	if got, want := string(r.Key)+" "+string(r.Value), "p1 "+data; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	h := Headers(r.Headers)
	for key, want := range map[string]string{
		"ce_specversion": "1.0", "ce_id": "id-1", "ce_type": "PROJECT_CREATED", "ce_source": "graph-service",
		"ce_time": "2026-03-04T04:06:07.0000008Z", "content-type": "application/json",
	} {
		if got := h.Get(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if got := h.Get("traceparent"); !traceparent.MatchString(got) {
		t.Errorf("traceparent: got %q", got)
	}
	if got := r.Attrs.CompressionType(); got != 0 {
		t.Errorf("compression: got %d, want none", got)
	}
	t.Run("ErrNoType", func(t *testing.T) {
		if err := b.Publish(testContext(t), Event{Topic: topic}); err == nil {
			t.Error("got no error")
		}
	})
	t.Run("ErrTopic", func(t *testing.T) {
		if err := b.Publish(testContext(t), Event{Type: "T", Topic: "a b"}); err == nil {
			t.Error("got no error")
		}
	})
	t.Run("ErrTooLarge", func(t *testing.T) {
		err := b.Publish(testContext(t), Event{Type: "T", Topic: topic, Data: make([]byte, MaxMessage)})
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
	})
}

// part is one record of a NestJS server's answer.
type part struct {
	value    []byte
	err      string
	disposed bool
}

// reply makes the part a record that answers a request.
func (p part) reply(t *testing.T, request Headers) *kgo.Record {
	t.Helper()
	partition, err := strconv.ParseInt(request.Get("kafka_replyPartition"), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	r := &kgo.Record{
		Topic: request.Get("kafka_replyTopic"), Partition: int32(partition), Value: p.value,
		Headers: []kgo.RecordHeader{{Key: "kafka_correlationId", Value: []byte(request.Get("kafka_correlationId"))}},
	}
	if p.err != "" {
		r.Headers = append(r.Headers, Header{Key: "kafka_nest-err", Value: []byte(p.err)})
	}
	if p.disposed {
		r.Headers = append(r.Headers, Header{Key: "kafka_nest-is-disposed", Value: []byte{0}})
	}
	return r
}

// askPattern makes a request and gives what came of it, in words.
func askPattern(t *testing.T, b *Bus, pattern string) string {
	var out json.RawMessage
	err := b.Request(testContext(t), Call{Topic: pattern, Key: "p1", In: question{"q"}, Out: &out})
	var remote *RemoteError
	switch {
	case errors.As(err, &remote):
		return "remote: " + remote.Message
	case err != nil:
		return err.Error()
	case out == nil:
		return "null"
	}
	return string(out)
}

// TestRequestWire plays the NestJS server of a request.
func TestRequestWire(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "client")
	makeTopics(t, b, pattern)
	peer := plainClient(t, brokers, kgo.ConsumeTopics(pattern))
	for _, tt := range []struct {
		name  string
		parts []part
		want  string
	}{
		{"OK", []part{{value: []byte(`{"text":"a"}`), disposed: true}}, `{"text":"a"}`},
		{"OKString", []part{{value: []byte(`bare`), disposed: true}}, `"bare"`},
		{"OKNull", []part{{disposed: true}}, `null`},
		{"OKStream", []part{{value: []byte(`{"n":1}`)}, {value: []byte(`{"n":2}`)}, {disposed: true}}, `{"n":2}`},
		{"ErrRPC", []part{{err: `{"status":"error","message":"s"}`, disposed: true}}, `remote: s`},
		{"ErrObject", []part{{err: `{"code":7}`, disposed: true}}, `remote: {"code":7}`},
		{"ErrText", []part{{err: message.NoMatchingHandler, disposed: true}}, `remote: ` + message.NoMatchingHandler},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := make(chan string, 1)
			go func() { answer <- askPattern(t, b, pattern) }()
			r := readRecord(t, peer)
			h := Headers(r.Headers)
			if got, want := headerKeys(r), "kafka_correlationId kafka_replyTopic kafka_replyPartition expiresAt traceparent "; got != want {
				t.Errorf("headers: got %s, want %s", got, want)
			}
			if id := h.Get("kafka_correlationId"); !regexp.MustCompile(`^[0-9a-f]{21}$`).MatchString(id) {
				t.Errorf("correlation id: got %q", id)
			}
			if got, want := string(r.Key)+string(r.Value), `p1{"text":"q"}`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			for _, p := range tt.parts {
				produce(t, peer, p.reply(t, h))
			}
			if got := receive(t, answer, "answer"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// nestRequest asks for an answer on partition 2 of replies.
func nestRequest(topic, typ, id, replies string, value []byte) *kgo.Record {
	r := &kgo.Record{
		Topic: topic, Partition: 1, Value: value,
		Headers: []kgo.RecordHeader{
			{Key: "kafka_correlationId", Value: []byte(id)},
			{Key: "kafka_replyTopic", Value: []byte(replies)},
			{Key: "kafka_replyPartition", Value: []byte("2")},
			{Key: "custom", Value: []byte("not copied")},
		},
	}
	if typ != "" {
		r.Headers = append(r.Headers, Header{Key: "ce_type", Value: []byte(typ)})
	}
	return r
}

// pattern is a topic as NestJS peers name them.
const pattern = "server.ask"

// echo has b answer with what it was asked, by type and by pattern.
func echo(b *Bus) {
	b.Handle("ASK", func(_ context.Context, m *Message) (any, error) { return m.Data(), nil })
	b.Subscribe(pattern, func(_ context.Context, m *Message) (any, error) {
		if string(m.Data()) == `"fail"` {
			return nil, Permanent(errors.New("as you wished"))
		}
		return m.Data(), nil
	})
}

// TestReplyWire plays the NestJS client of a request.
func TestReplyWire(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "server")
	echo(b)
	const replies = "their.reply"
	makeTopics(t, b, replies)
	runBus(t, b)
	peer := plainClient(t, brokers, kgo.ConsumeTopics(replies))
	for _, tt := range []struct {
		name, topic, typ string
		value            []byte
		want             []byte
		wantErr          string
	}{
		{"OK", pattern, "", []byte(`{"a":1}`), []byte(`{"a":1}`), ""},
		{"OKNull", pattern, "", nil, nil, ""},
		{"OKString", pattern, "", []byte("text"), []byte("text"), ""},
		{"OKGarbage", pattern, "", []byte(`{"a`), []byte(`{"a`), ""},
		{"OKType", "axion.server", "ASK", []byte(`[1]`), []byte(`[1]`), ""},
		{"Err", pattern, "", []byte("fail"), nil, `{"status":"error","message":"as you wished"}`},
		{"ErrNoHandler", "axion.server", "NOPE", []byte(`{}`), nil, message.NoMatchingHandler},
		{"ErrNoType", "axion.server", "", []byte(`{}`), nil, message.NoMatchingHandler},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := "0123456789abcdef\x00\xff-" + tt.name
			produce(t, peer, nestRequest(tt.topic, tt.typ, id, replies, tt.value))
			r := readRecord(t, peer)
			h := Headers(r.Headers)
			want := "kafka_correlationId kafka_nest-is-disposed traceparent "
			if tt.wantErr != "" {
				want = "kafka_correlationId kafka_nest-is-disposed kafka_nest-err traceparent "
			}
			if got := headerKeys(r); got != want {
				t.Errorf("headers: got %s, want %s", got, want)
			}
			if got := h.Get("kafka_correlationId"); got != id {
				t.Errorf("correlation id: got %q, want %q", got, id)
			}
			if got := h.Get("kafka_nest-err"); got != tt.wantErr {
				t.Errorf("error: got %q, want %q", got, tt.wantErr)
			}
			if string(r.Value) != string(tt.want) || (r.Value == nil) != (tt.want == nil) {
				t.Errorf("value: got %q, want %q", r.Value, tt.want)
			}
			if r.Partition != 2 || r.Key != nil {
				t.Errorf("got partition %d, key %q; want partition 2, no key", r.Partition, r.Key)
			}
		})
	}
}

// TestReplyTopicMissing asks for an answer where none can go; the partition
// goes on.
func TestReplyTopicMissing(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b := openBus(t, brokers, "server")
	handled := make(chan string, 2)
	b.Handle("T", func(_ context.Context, m *Message) (any, error) { handled <- m.Key; return nil, nil })
	runBus(t, b)
	peer := plainClient(t, brokers)
	for _, key := range []string{"first", "second"} {
		produce(t, peer, &kgo.Record{
			Topic: "axion.server", Key: []byte(key), Value: []byte(`{}`),
			Headers: []kgo.RecordHeader{
				{Key: "ce_type", Value: []byte("T")},
				{Key: "kafka_correlationId", Value: []byte("x")},
				{Key: "kafka_replyTopic", Value: []byte("not there " + key)},
			},
		})
	}
	receive(t, handled, "first request")
	receive(t, handled, "second request")
	eventually(t, "both committed", func() bool { return committed(t, peer, "server", "axion.server", 0) == 2 })
}
