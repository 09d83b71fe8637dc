package explorer

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	record := &kgo.Record{
		Key: []byte("Project-7"), Timestamp: at,
		Value:   []byte(`{"type": "PROJECT_CREATED", "price": 10.5, "id": 12345678901234567890, "ok": true, "none": null, "tags": [{"k": "Tea"}, {"k": "cup"}], "a b": 1, "n": "7"}`),
		Headers: []kgo.RecordHeader{{Key: "ce_type", Value: []byte("PROJECT_CREATED")}, {Key: "content-type", Value: []byte("application/json")}},
	}
	for _, tt := range []struct {
		f    Filter
		want bool
	}{
		{Filter{}, true},
		{Filter{Key: "project"}, true},
		{Filter{Key: "project-8"}, false},
		{Filter{Text: "TEA"}, true},
		{Filter{Text: "application/JSON"}, true},
		{Filter{Text: "coffee"}, false},
		{Filter{Header: "CE_TYPE"}, true},
		{Filter{Header: "ce_type=created"}, true},
		{Filter{Header: "ce_type=deleted"}, false},
		{Filter{Header: "ce_time"}, false},
		{Filter{Since: at, Until: at}, true},
		{Filter{Since: at.Add(1)}, false},
		{Filter{Until: at.Add(-1)}, false},
		{Filter{Path: "$.type"}, true},
		{Filter{Path: "type"}, true},
		{Filter{Path: "$.absent"}, false},
		{Filter{Path: `$.type == "PROJECT_CREATED"`}, true},
		{Filter{Path: `$.type=PROJECT_CREATED`}, true},
		{Filter{Path: `$.type ~ created`}, true},
		{Filter{Path: `$.type != "PROJECT_CREATED"`}, false},
		{Filter{Path: `$.price > 10`}, true},
		{Filter{Path: `$.price >= 10.50`}, true},
		{Filter{Path: `$.price < 10`}, false},
		{Filter{Path: `$.price > a`}, false},
		{Filter{Path: `$.id == 12345678901234567890`}, true},
		{Filter{Path: `$.id ~ 4567`}, true},
		{Filter{Path: `$.ok == true`}, true},
		{Filter{Path: `$.none == null`}, true},
		{Filter{Path: `$.n == 7`}, true},
		{Filter{Path: `$.n == "7"`}, true},
		{Filter{Path: `$.tags[?@.k == "Tea"]`}, true},
		{Filter{Path: `$.tags[?@.k == "tea"]`}, false},
		{Filter{Path: `$.tags[*].k == cup`}, true},
		{Filter{Path: `$["a b"] <= 1`}, true},
		{Filter{Path: `$.*[*].k`}, true},
		{Filter{Key: "project", Header: "ce_type", Path: "$.ok == false"}, false},
	} {
		m, err := tt.f.compile()
		if err != nil {
			t.Errorf("%+v: %v", tt.f, err)
			continue
		}
		if got := m.match(record); got != tt.want {
			t.Errorf("%+v: got %v, want %v", tt.f, got, tt.want)
		}
	}
	m, err := Filter{Path: "$.a"}.compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "plain", `{"a":`, `[1]`, strings.Repeat("[", 1000),
		`{"a":"` + strings.Repeat("x", maxPathBytes) + `"}`} {
		if m.match(&kgo.Record{Value: []byte(value)}) {
			t.Errorf("%.20s: got a match, want none", value)
		}
	}
}

func TestFilterErr(t *testing.T) {
	t.Parallel()
	for part, f := range map[string]Filter{
		"key":    {Key: strings.Repeat("x", maxFilter+1)},
		"header": {Header: "=x"},
		"path":   {Path: "$["},
		"until":  {Since: time.Unix(2, 0), Until: time.Unix(1, 0)},
	} {
		var wrong *FilterError
		if _, err := f.compile(); !errors.As(err, &wrong) || wrong.Part != part {
			t.Errorf("%+v: got %v, want an error of %s", f, err, part)
		}
	}
	for _, text := range []string{"$..a", "$.a ==", "$.a == [1]", "$.a == {}", "$[?@.x == ]", "== 3"} {
		if p, err := parsePath(text); err == nil {
			t.Errorf("%s: got %+v, want an error", text, p)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, text := range []string{
		`$.a == "b"`, `$.a[?@.b > 3] ~ x`, `$["a=b"] != 'c'`, `a`, `$..a`, `$.a <= -1.5e3`, `$[?match(@.a, "x.*")]`, `"`, `$["a","a"]["a","a"]`,
		`$[1::9007199254740991]`, `$..*..*`, `$[?@[?@[?@]]]`,
		`$[?` + strings.Repeat("(", 250) + "@" + strings.Repeat(")", 250) + `]`,
		`$[?` + strings.Repeat("length(", 60) + "@" + strings.Repeat(")", 60) + ` > 1]`,
	} {
		f.Add(text, `{"a": [{"b": 4}, "x", null, 1e400]}`)
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		m, err := Filter{Path: text, Header: text, Text: text}.compile()
		if err != nil {
			return
		}
		m.match(&kgo.Record{Value: []byte(value), Headers: []kgo.RecordHeader{{Key: text}}})
		if m.path != nil {
			m.path.match([]byte(value))
			m.path.match([]byte(smallDocument))
			if did := workOf(t, m.path, smallDocument); did > maxWork*len(smallDocument) {
				t.Errorf("%s: %d nodes of a document of %d bytes", text, did, len(smallDocument))
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, text := range []string{"", "older,0:12,1:7", "newer,2:9223372036854775807", "newer,", "older,0:1,0:2", "newer,-1:3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			return
		}
		again, err := parseCursor(c.String())
		if err != nil || again.String() != c.String() {
			t.Errorf("%q: got %q, %v, want %q again", text, again, err, c)
		}
	})
}
