package message

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestEncodeNest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   any
		want []byte
	}{
		{"Nil", nil, nil},
		{"NilPointer", (*int)(nil), nil},
		{"RawNull", json.RawMessage("null"), nil},
		{"Object", map[string]int{"a": 1}, []byte(`{"a":1}`)},
		{"Array", []int{1, 2}, []byte(`[1,2]`)},
		{"String", `say "hé"`, []byte(`say "hé"`)},
		{"EmptyString", "", []byte{}},
		{"Number", 42, []byte("42")},
		{"Boolean", true, []byte("true")},
		{"Bytes", []byte{0, 1}, []byte{0, 1}},
		{"RawMessage", json.RawMessage(`{"b":2}`), []byte(`{"b":2}`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := EncodeNest(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q (%v), want %q (%v)", got, got == nil, tt.want, tt.want == nil)
			}
		})
	}
	t.Run("ErrNotJSON", func(t *testing.T) {
		t.Parallel()
		if _, err := EncodeNest(json.RawMessage(`{`)); err == nil {
			t.Error("got no error")
		}
	})
}

func TestJSONForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		value        []byte
		declaredJSON bool
		want         string
	}{
		{"Null", nil, false, `null`},
		{"Empty", []byte{}, false, `""`},
		{"Object", []byte(`{"a":1}`), false, `{"a":1}`},
		{"Array", []byte(`[1]`), false, `[1]`},
		{"NumberIsString", []byte(`42`), false, `"42"`},
		{"NumberAsJSON", []byte(`42`), true, `42`},
		{"StringAsJSON", []byte(`"x"`), true, `"x"`},
		{"BrokenObjectIsString", []byte(`{"a":`), false, `"{\"a\":"`},
		{"BrokenDeclaration", []byte(`oops`), true, `"oops"`},
		{"Buffer", []byte{0, 1, 2}, false, `"AAEC"`},
		{"NotText", []byte{0xff, 'a'}, false, `"\ufffda"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(JSONForm(tt.value, tt.declaredJSON)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		value []byte
		into  any
		want  any
	}{
		{"BareString", []byte("x y"), new(string), "x y"},
		{"BareNumberAsString", []byte("42"), new(string), "42"},
		{"BareNumber", []byte("42"), new(int), 42},
		{"BareBoolean", []byte("true"), new(bool), true},
		{"Any", []byte("42"), new(any), any("42")},
		{"Bytes", []byte{0, 7}, new([]byte), []byte{0, 7}},
		{"Object", []byte(`{"A":3}`), new(struct{ A int }), struct{ A int }{3}},
		{"NullLeaves", nil, new(int), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := FromRecord(&kgo.Record{Value: tt.value})
			if err := m.Decode(tt.into); err != nil {
				t.Fatal(err)
			}
			if got := reflect.ValueOf(tt.into).Elem().Interface(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
		})
	}
	t.Run("DeclaredJSON", func(t *testing.T) {
		t.Parallel()
		for value, want := range map[string]string{`"x"`: "x", `oops`: "oops", `{"a":`: `{"a":`, `"`: `"`} {
			m := FromRecord(&kgo.Record{Value: []byte(value), Headers: []Header{{Key: HeaderContentType, Value: contentType}}})
			var got string
			if err := m.Decode(&got); err != nil || got != want {
				t.Errorf("%s: got %q, %v; want %q", value, got, err, want)
			}
		}
	})
	t.Run("ErrPermanent", func(t *testing.T) {
		t.Parallel()
		err := FromRecord(&kgo.Record{Value: []byte(`{"a":`)}).Decode(new(struct{ A int }))
		if !IsPermanent(err) {
			t.Errorf("got %v, want a permanent error", err)
		}
	})
}

func FuzzFromRecord(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "ce_type", []byte("X"), "content-type", []byte("application/json"))
	f.Add([]byte(nil), "kafka_correlationId", []byte("x"), "kafka_replyPartition", []byte("-1"))
	f.Add([]byte{0}, "ce_time", []byte("yesterday"), "traceparent", []byte("00-"))
	f.Add([]byte(`42`), "kafka_replyPartition", []byte("99999999999999999999"), "", []byte{})
	f.Fuzz(func(t *testing.T, value []byte, k1 string, v1 []byte, k2 string, v2 []byte) {
		m := FromRecord(&kgo.Record{
			Topic: "t", Value: value,
			Headers: []kgo.RecordHeader{{Key: k1, Value: v1}, {Key: k2, Value: v2}},
		})
		if !json.Valid(m.Data()) {
			t.Errorf("data is not JSON: %q", m.Data())
		}
		if m.ID == "" || m.Source == "" {
			t.Errorf("no defaults: id %q, source %q", m.ID, m.Source)
		}
		if m.ReplyPartition < AnyPartition {
			t.Errorf("reply partition %d", m.ReplyPartition)
		}
		_ = m.Decode(new(struct{ A int }))
	})
}
