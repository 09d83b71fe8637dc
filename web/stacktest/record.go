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

// Count is how many records a topic holds.
func (s *Stack) Count(t testing.TB, topic string) int64 {
	t.Helper()
	ends, err := kadm.NewClient(s.Kafka(t)).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
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
