package hosttest

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/clustertest"
)

// Kafka is a plain client: a peer that is no part of the system.
type Kafka struct {
	t      testing.TB
	client *kgo.Client
	read   []*kgo.Record
}

// Dial opens a client that reads topics from their beginning.
func Dial(t testing.TB, cluster *clustertest.Broker, topics ...string) *Kafka {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics(topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &Kafka{t: t, client: client}
}

// Send publishes a message as any producer would; headers are names and values
// in turn.
func (k *Kafka) Send(topic, key, value string, headers ...string) {
	k.t.Helper()
	r := &kgo.Record{Topic: topic, Value: []byte(value)}
	if key != "" {
		r.Key = []byte(key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	if err := k.client.ProduceSync(ctx, r).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

// Event publishes an event with the headers of one.
func (k *Kafka) Event(topic, key, typ, id, value string) {
	k.t.Helper()
	k.Send(topic, key, value, "ce_specversion", "1.0", "ce_id", id, "ce_type", typ, "ce_source", "test",
		"ce_time", "2026-01-02T03:04:05Z", "content-type", "application/json")
}

// Events publishes n events of one type and key, as fast as it can.
func (k *Kafka) Events(n int, topic, key, typ string, of func(i int) (id, value string)) {
	k.t.Helper()
	var records []*kgo.Record
	for i := range n {
		id, value := of(i)
		records = append(records, &kgo.Record{
			Topic: topic, Key: []byte(key), Value: []byte(value),
			Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte(id)}, {Key: "ce_type", Value: []byte(typ)}},
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	if err := k.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

// Next reads the next message.
func (k *Kafka) Next() *kgo.Record {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	for len(k.read) == 0 {
		fetches := k.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			k.t.Fatalf("no message: %v", err)
		}
		k.read = fetches.Records()
	}
	r := k.read[0]
	k.read = k.read[1:]
	return r
}

// Count is how many messages a topic holds.
func (k *Kafka) Count(topic string) (n int64) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	ends, err := kadm.NewClient(k.client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// Held are the messages that topics hold now.
func Held(t testing.TB, cluster *clustertest.Broker, topics ...string) (held []*kgo.Record) {
	t.Helper()
	k := Dial(t, cluster, topics...)
	ctx, cancel := context.WithTimeout(context.Background(), Deadline)
	defer cancel()
	admin := kadm.NewClient(k.client)
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	starts.Each(func(o kadm.ListedOffset) { n -= o.Offset })
	for int64(len(held)) < n {
		held = append(held, k.Next())
	}
	return held
}

// Headers are a message's headers by name.
func Headers(r *kgo.Record) map[string]string {
	out := map[string]string{}
	for _, h := range r.Headers {
		out[h.Key] = string(h.Value)
	}
	return out
}

// Type is a message's event or request type.
func Type(r *kgo.Record) string { return Headers(r)["ce_type"] }

// Fields reads a JSON object; names are those of its fields, sorted.
func Fields(t testing.TB, text []byte) (object map[string]any, names []string) {
	t.Helper()
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return object, slices.Sorted(maps.Keys(object))
}
