package telemetry

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestPack holds what is kept of a span to what [json.Marshal] makes of it.
func TestPack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 28, 1, 2, 3, 450_000_000, time.UTC)
	full := Span{
		TraceID: "0af7", SpanID: "b7ad", ParentID: "00f0", Name: "INSERT \"Ünï\" \\ <a>\x01\u2028", Kind: "client", Service: "graph-service",
		Instance: "2", Start: at, End: at.Add(time.Millisecond), Error: "no\nway \xff",
		Attributes: map[string]any{
			"text": "A B", "number": int64(-7), "yes": true, "real": 0.25, "list": []string{"a", "b"}, "nothing": nil,
			"odd \"name": []any{int64(1), "x"},
		},
		Events: []SpanEvent{{"exception", at, map[string]any{"exception.message": "no"}}}, Links: []SpanLink{{"1", "2"}},
	}
	local := full
	local.Start, local.Events, local.Links = at.In(time.FixedZone("", 3600)), []SpanEvent{}, []SpanLink{}
	for _, s := range []Span{full, local, {}, {Attributes: map[string]any{}, Start: at, End: at}} {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		p, err := encode(&s)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var got, want any
		if err := json.Unmarshal([]byte(p.text), &got); err != nil {
			t.Fatalf("%s: %v", p.text, err)
		}
		if err := json.Unmarshal(text, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %s, want %s", p.text, text)
		}
		for _, word := range []string{s.Name, s.Error, s.Service} {
			if !strings.Contains(p.searchText, strings.ToLower(word)) {
				t.Errorf("%q is not among %q", word, p.searchText)
			}
		}
	}
	for _, s := range []Span{{Start: at.AddDate(9000, 0, 0)}, {Attributes: map[string]any{"x": math.Inf(1)}}} {
		if p, err := encode(&s); err == nil {
			t.Errorf("got %s, want an error as of json.Marshal", p.text)
		}
	}
}

// BenchmarkPack packs the span of a statement.
func BenchmarkPack(b *testing.B) {
	at := time.Now().UTC()
	s := Span{
		TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", ParentID: "00f067aa0ba902b7", Name: "INSERT events",
		Kind:    "client",
		Service: "graph-service", Start: at, End: at.Add(time.Millisecond), Attributes: map[string]any{
			"db.system.name": "sqlite", "db.namespace": "data.db",
			"db.query.text": "INSERT INTO events (project_id, seq, id, type, user_id, time, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
		}, Events: []SpanEvent{}, Links: []SpanLink{},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(&s); err != nil {
			b.Fatal(err)
		}
	}
}
