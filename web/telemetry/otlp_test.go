package telemetry_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"axion/web/telemetry"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	asJSON  = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{
		"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"00f067aa0ba902b7","name":"GET /","kind":2,
		"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","unknown":1,
		"attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"list","value":{"arrayValue":{"values":[{"boolValue":true}]}}}],
		"status":{"code":2,"message":"boom"},"links":[{"traceId":"0af7651916cd43dd8448eb211c80319d","spanId":"b7ad6b7169203332"}]}]}]}]}`
)

func post(store *telemetry.Store, path, kind, encoding string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Content-Encoding", encoding)
	w := httptest.NewRecorder()
	store.Handler().ServeHTTP(w, r)
	return w
}

func TestReceive(t *testing.T) {
	t.Parallel()
	binary, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*otlp.ResourceSpans{{
		Resource: &resource.Resource{Attributes: []*common.KeyValue{{
			Key: "service.name", Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: "shop"}},
		}}},
		ScopeSpans: []*otlp.ScopeSpans{{Spans: []*otlp.Span{
			{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "GET /"}, {Name: "without ids"},
		}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(binary)
	_ = z.Close()
	t.Run("OK/json", func(t *testing.T) {
		t.Parallel()
		store := telemetry.New()
		if w := post(store, "/v1/traces", "application/json", "", []byte(asJSON)); w.Code != 200 || w.Body.String() != "{}" {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		spans := store.Trace(traceID)
		if len(spans) != 1 {
			t.Fatalf("got %+v", spans)
		}
		s := spans[0]
		if s.SpanID != "b7ad6b7169203331" || s.ParentID != "00f067aa0ba902b7" || s.Service != "shop" || s.Kind != "server" || s.Error != "boom" ||
			s.End.Sub(s.Start).Seconds() != 1 || fmt.Sprint(s.Attributes) != "map[list:[true] n:7]" || s.Links[0].SpanID != "b7ad6b7169203332" {
			t.Errorf("got %+v", s)
		}
	})
	for name, body := range map[string]struct {
		encoding string
		body     []byte
	}{"OK/protobuf": {"", binary}, "OK/gzip": {"gzip", zipped.Bytes()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := telemetry.New()
			w := post(store, "/v1/traces", "application/x-protobuf", body.encoding, body.body)
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/x-protobuf" || store.Stats().Spans != 1 {
				t.Errorf("got %d %s, %+v", w.Code, w.Body, store.Stats())
			}
		})
	}
	for name, tt := range map[string]struct {
		kind, encoding string
		body           []byte
		status         int
	}{
		"ErrType":     {"text/plain", "", binary, 415},
		"ErrEncoding": {"application/json", "br", binary, 415},
		"ErrGzip":     {"application/x-protobuf", "gzip", binary, 400},
		"ErrProtobuf": {"application/x-protobuf", "", []byte("\xff\xff"), 400},
		"ErrJSON":     {"application/json", "", []byte("{"), 400},
		"ErrLarge":    {"application/json", "", bytes.Repeat([]byte(" "), telemetry.MaxRequest+1), 413},
		"ErrFields":   {"application/x-protobuf", "", crowded(), 413},
		"ErrFieldsJS": {"application/json", "", []byte(`{"resourceSpans":[` + strings.Repeat("{},", 100_000) + `{}]}`), 413},
		"ErrBomb":     {"application/json", "gzip", bomb(), 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := telemetry.New()
			if w := post(store, "/v1/traces", tt.kind, tt.encoding, tt.body); w.Code != tt.status || store.Stats().Spans != 0 {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
	for _, signal := range []string{"logs", "metrics"} {
		if w := post(telemetry.New(), "/v1/"+signal, "application/x-protobuf", "", nil); w.Code != 200 {
			t.Errorf("%s: got %d %s", signal, w.Code, w.Body)
		}
	}
}

// crowded is a span of very many events, of two bytes each.
func crowded() []byte {
	nested := func(field byte, inner []byte) []byte {
		return append(protowire.AppendVarint([]byte{field<<3 | 2}, uint64(len(inner))), inner...)
	}
	return nested(1, nested(2, nested(2, bytes.Repeat([]byte{11<<3 | 2, 0}, 200_000))))
}

// TestReceiveBounds keeps of what is large its beginning, and of numbers that JSON
// has not their names.
func TestReceiveBounds(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	span := &otlp.Span{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: strings.Repeat("x", 1<<20)}
	for i := range 1_000 {
		span.Events = append(span.Events, &otlp.Span_Event{Name: "e"})
		span.Links = append(span.Links, &otlp.Span_Link{})
		span.Attributes = append(span.Attributes,
			&common.KeyValue{Key: fmt.Sprint("a", i), Value: &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: math.NaN()}}})
	}
	scope := []*otlp.ScopeSpans{{Spans: []*otlp.Span{span}}}
	body, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*otlp.ResourceSpans{{ScopeSpans: scope}}})
	if err != nil {
		t.Fatal(err)
	}
	if w := post(store, "/v1/traces", "application/x-protobuf", "", body); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	got := store.Trace(hex.EncodeToString(span.TraceId))[0]
	if len(got.Events) != 128 || len(got.Links) != 128 || len(got.Attributes) != 128 || len(got.Name) > 1<<11 ||
		got.Attributes["a0"] != "NaN" {
		t.Errorf("got %d events, %d links, %d attributes, a name of %d bytes, and %v", len(got.Events), len(got.Links), len(got.Attributes),
			len(got.Name), got.Attributes["a0"])
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
}

// bomb is small, and large when decompressed.
func bomb() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(strings.Repeat(" ", telemetry.MaxRequest+1)))
	_ = z.Close()
	return b.Bytes()
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte(asJSON), true)
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","severityNumber":9,"body":{"kvlistValue":{"values":[]}}}]}]}]}`), true)
	f.Add([]byte("\x0a\x00"), false)
	f.Fuzz(func(t *testing.T, body []byte, json bool) {
		kind := "application/x-protobuf"
		if json {
			kind = "application/json"
		}
		store := telemetry.New()
		post(store, "/v1/traces", kind, "", body)
		post(store, "/v1/logs", kind, "", body)
		lines, _, _, _ := store.Logs.List(telemetry.LogFilter{Text: "x"}, 10)
		for _, l := range lines {
			if l.TraceID != "" && len(l.TraceID) != 32 {
				t.Errorf("trace id %q", l.TraceID)
			}
		}
		for _, s := range store.List(telemetry.Filter{Text: "x"}, 10) {
			if len(s.TraceID) != 32 {
				t.Errorf("trace id %q", s.TraceID)
			}
		}
	})
}

// TestReceiveLogs reads what a service logged, and what cannot be text.
func TestReceiveLogs(t *testing.T) {
	t.Parallel()
	store := telemetry.New()
	const body = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"service.instance.id","value":{"stringValue":"2"}}]},
		"scopeLogs":[{"logRecords":[
			{"timeUnixNano":"1544712660000000000","severityNumber":13,"body":{"stringValue":"late"},
				"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
				"attributes":[{"key":"n","value":{"intValue":"7"}}]},
			{"observedTimeUnixNano":"1544712660000000000","body":{"kvlistValue":{"values":[{"key":"a","value":{"boolValue":true}}]}}}]}]}]}`
	if w := post(store, "/v1/logs", "application/json", "", []byte(body)); w.Code != 200 || w.Body.String() != "{}" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	lines, _, _, _ := store.Logs.List(telemetry.LogFilter{}, 9)
	if len(lines) != 2 {
		t.Fatalf("got %+v", lines)
	}
	l := lines[0]
	if l.Service != "shop" || l.Instance != "2" || l.Level != "warn" || l.Message != "late" || l.TraceID != traceID ||
		l.SpanID != "b7ad6b7169203331" ||
		l.Time.Unix() != 1544712660 || fmt.Sprint(l.Attributes) != "map[n:7]" {
		t.Errorf("got %+v", l)
	}
	if l = lines[1]; l.Level != "info" || l.Time.Unix() != 1544712660 || fmt.Sprint(l.Attributes) != "map[body:map[a:true]]" {
		t.Errorf("got %+v", l)
	}
}
