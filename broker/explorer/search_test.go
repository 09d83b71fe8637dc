package explorer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/broker/brokertest"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a", "b", "empty")
	cl := brokertest.Client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var records []*kgo.Record
	for i := range searchNewest + 10 {
		records = append(records, &kgo.Record{Topic: "a", Value: fmt.Appendf(nil, "old %d", i)})
	}
	records = append(records,
		&kgo.Record{Topic: "a", Partition: 1, Key: []byte("Project-7"), Value: []byte(`{"name":"Weather"}`)},
		&kgo.Record{Topic: "b", Value: []byte("nothing"), Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte("weather-1")}}},
		&kgo.Record{Topic: "b", Partition: 2, Key: []byte("k"), Value: []byte(strings.Repeat("x", 500) + " weather " + strings.Repeat("y", 500))})
	if err := cl.ProduceSync(brokertest.Context(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"WEATHER":   {"a/1", "b/0", "b/2"},
		"project-7": {"a/1"},
		"old 5":     nil, // the tenth last is the oldest that is looked at
		"no such":   nil,
	} {
		got, err := NewReader(b.Admin()).Search(brokertest.Context(t), text, 10)
		if err != nil {
			t.Fatal(err)
		}
		var places []string
		for _, m := range got.Items {
			if text != "old 5" || m.Text == "old 5" {
				places = append(places, fmt.Sprintf("%s/%d", m.Topic, m.Partition))
			}
			if len(m.Text) > snippetBytes+10 {
				t.Errorf("%s: %d bytes of text", text, len(m.Text))
			}
		}
		if !got.Cut && !sameSet(places, want) {
			t.Errorf("%s: got %v, want %v", text, places, want)
		}
		if !got.Cut && got.Searched != searchNewest+3 {
			t.Errorf("%s: searched %d", text, got.Searched)
		}
	}
	if got, err := NewReader(b.Admin()).Search(brokertest.Context(t), "old", 5); err != nil || len(got.Items) > 5 {
		t.Errorf("bounded: got %d (%v)", len(got.Items), err)
	}
}

func sameSet(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}
