package stacktest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Record waits for the first record of a topic whose ce_type is typ.
func (s *Stack) Record(t testing.TB, topic, typ string) *kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	client := s.Kafka(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("no %s on %s: %v", typ, topic, err)
		}
		for _, r := range fetches.Records() {
			if Header(r, "ce_type") == typ {
				return r
			}
		}
	}
}

// Events is how many different events a topic holds: one whose publishing was not
// yet noted when the program was killed is published again, with the same id.
func (s *Stack) Events(t testing.TB, topic string) int {
	t.Helper()
	ids := map[string]bool{}
	s.Records(t, topic, func(r *kgo.Record) { ids[Header(r, "ce_id")] = true })
	return len(ids)
}

// Records calls do with each record that a topic holds now.
func (s *Stack) Records(t testing.TB, topic string, do func(*kgo.Record)) {
	t.Helper()
	ends, err := kadm.NewClient(s.Kafka(t)).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var records int64
	ends.Each(func(o kadm.ListedOffset) { records += o.Offset })
	client := s.Kafka(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for n := int64(0); n < records; {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { n++; do(r) })
	}
}

// Header is the value of a record's header; empty without it.
func Header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
