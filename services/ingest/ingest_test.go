package ingest

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

const (
	structuredType = "Content-Type: application/cloudevents+json; charset=utf-8"
	batchType      = "Content-Type: application/cloudevents-batch+json"
)

func object(id, more string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/meter","type":"reading"%s}`, id, more)
}

func TestModes(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	base := func(id string, more ...string) map[string]string {
		h := map[string]string{"ce_specversion": "1.0", "ce_id": id, "ce_source": "/meter", "ce_type": "reading"}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	binary := []string{"ce-specversion: 1.0", "CE-Source: /meter", "ce-type: reading"}
	for _, tc := range []struct {
		name, body string
		header     []string
		key, value string
		null       bool
		want       map[string]string
	}{
		{name: "Structured", header: []string{structuredType},
			body: object("a", `,"data":{"v": 1.50},"partitionkey":"p1","subject":"kitchen","count":7,"on":true,"off":null,"time":"2025-01-31T12:00:00.5+01:00"`),
			key:  "p1", value: `{"v": 1.50}`,
			want: base("a", "content-type", "application/json", "ce_partitionkey", "p1", "ce_subject", "kitchen",
				"ce_count", "7", "ce_on", "true", "ce_time", "2025-01-31T12:00:00.5+01:00")},
		{name: "StructuredText", header: []string{structuredType}, body: object("b", `,"datacontenttype":"text/plain","data":"a\"b"`),
			value: `a"b`, want: base("b", "content-type", "text/plain")},
		{name: "StructuredJSONText", header: []string{structuredType}, body: object("b2", `,"datacontenttype":"application/x+json","data":"t"`),
			value: `"t"`, want: base("b2", "content-type", "application/x+json")},
		{name: "StructuredBase64", header: []string{structuredType}, body: object("c", `,"datacontenttype":"image/png","data_base64":"AP8="`),
			value: "\x00\xff", want: base("c", "content-type", "image/png")},
		{name: "StructuredNoData", header: []string{structuredType}, body: object("d", `,"data":null`), null: true, want: base("d")},
		{name: "Binary", header: append(binary, "ce-id: e%20%C3%A9%25", "ce-partitionkey: p2", "Content-Type: application/xml"), body: "<a/>",
			key: "p2", value: "<a/>", want: base("e é%", "content-type", "application/xml", "ce_partitionkey", "p2")},
		{name: "BinaryQuoted", header: append(binary, `ce-id: "f\"1"`), null: true, want: base(`f"1`)},
		{name: "BinaryBytes", header: append(binary, "ce-id: g", "Content-Type: application/octet-stream"), body: "\xff\x00",
			value: "\xff\x00", want: base("g", "content-type", "application/octet-stream")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			items := s.post(t, tc.body, tc.header...)
			r := s.kafka.Next()
			if len(items) != 1 || items[0].Partition != r.Partition || items[0].Offset != r.Offset ||
				items[0].ID != tc.want["ce_id"] || items[0].Source != "/meter" || items[0].Topic != contract.EventsTopic {
				t.Errorf("receipt: got %+v, want the place of %d/%d", items, r.Partition, r.Offset)
			}
			got := hosttest.Headers(r)
			delete(got, "traceparent")
			if !maps.Equal(got, tc.want) {
				t.Errorf("headers:\n got %v\nwant %v", got, tc.want)
			}
			if (r.Value == nil) != tc.null || string(r.Value) != tc.value || string(r.Key) != tc.key {
				t.Errorf("key, value: got %q, %q (null %v), want %q, %q", r.Key, r.Value, r.Value == nil, tc.key, tc.value)
			}
		})
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())

	t.Run("OK", func(t *testing.T) {
		items := s.post(t, "["+object("a", "")+","+object("b", `,"data":1`)+","+object("a", "")+"]", batchType)
		if len(items) != 3 || items[0] != items[2] || items[0] == items[1] {
			t.Errorf("receipts: got %+v, want the third to be the first", items)
		}
		if got := s.count(); got != 2 {
			t.Errorf("records: got %d, want 2", got)
		}
	})
	t.Run("Empty", func(t *testing.T) {
		if a := s.send(t, http.MethodPost, "/api/events", "[]", batchType); a.Status != http.StatusAccepted ||
			a.Body != "{\"accepted\":0,\"items\":[]}\n" {
			t.Errorf("got %d %q", a.Status, a.Body)
		}
	})
	t.Run("Order", func(t *testing.T) {
		var list []string
		for i := range maxBatch {
			list = append(list, object(fmt.Sprint("o", i), `,"partitionkey":"k"`))
		}
		items := s.post(t, "["+strings.Join(list, ",")+"]", batchType)
		for i, item := range items {
			if item.ID != fmt.Sprint("o", i) || item.Partition != items[0].Partition || item.Offset != items[0].Offset+int64(i) {
				t.Fatalf("item %d: got %+v after %+v, want the order of the batch", i, item, items[0])
			}
		}
	})
	t.Run("ErrOneWrong", func(t *testing.T) {
		before := s.count()
		a := s.send(t, http.MethodPost, "/api/events", "["+object("x", "")+","+object("y", `,"time":"now"`)+"]", batchType)
		hosttest.WantProblem(t, a, http.StatusUnprocessableEntity, "/1/time")
		if got := s.count(); got != before {
			t.Errorf("records: got %d, want none new", got-before)
		}
	})
}

func TestRefused(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	binary := []string{"ce-specversion: 1.0", "ce-id: 1", "ce-source: /m", "ce-type: t"}
	long := strings.Repeat("x", maxValue+1)
	for _, tc := range []struct {
		name, body string
		header     []string
		status     int
		at, says   string // at is "#" for an event as a whole, "" for no place
	}{
		{"ErrNotJSON", "{", []string{structuredType}, 400, "", "not one JSON"},
		{"ErrEmpty", "", []string{structuredType}, 400, "", "not one JSON"},
		{"ErrTrailing", object("1", "") + "x", []string{structuredType}, 400, "", "not one JSON"},
		{"ErrUTF8", object("1", `,"data":"`+"\xff"+`"`), []string{structuredType}, 400, "", "UTF-8"},
		{"ErrNotObject", "[]", []string{structuredType}, 422, "#", ""},
		{"ErrNotArray", "{}", []string{batchType}, 400, "", "array"},
		{"ErrNullBatch", "null", []string{batchType}, 400, "", "array"},
		{"ErrItemNotObject", "[1]", []string{batchType}, 422, "/0", "object"},
		{"ErrContentType", "{}", []string{"Content-Type: application/json"}, 415, "", "CloudEvent"},
		{"ErrNoContentType", "x", nil, 415, "", "CloudEvent"},
		{"ErrFormat", "x", []string{"Content-Type: application/cloudevents+protobuf"}, 415, "", "JSON"},
		{"ErrIDRequired", `{"specversion":"1.0","source":"/m","type":"t"}`, []string{structuredType}, 422, "/id", "required"},
		{"ErrIDNull", `{"specversion":"1.0","id":null,"source":"/m","type":"t"}`, []string{structuredType}, 422, "/id", "required"},
		{"ErrIDEmpty", object("", ""), []string{structuredType}, 422, "/id", "empty"},
		{"ErrSpecVersion", `{"specversion":"0.3","id":"1","source":"/m","type":"t"}`, []string{structuredType}, 422, "/specversion", "1.0"},
		{"ErrSource", `{"specversion":"1.0","id":"1","source":":","type":"t"}`, []string{structuredType}, 422, "/source", "URI"},
		{"ErrTwice", object("1", `,"type":"u"`), []string{structuredType}, 422, "/type", "twice"},
		{"ErrDataTwice", object("1", `,"data":1,"data":2`), []string{structuredType}, 422, "/data", "twice"},
		{"ErrName", object("1", `,"a/B":"u"`), []string{structuredType}, 422, "/a~1B", "a-z"},
		{"ErrValue", object("1", `,"a":{}`), []string{structuredType}, 422, "/a", "string"},
		{"ErrNumber", object("1", `,"a":1.5`), []string{structuredType}, 422, "/a", "integer"},
		{"ErrNumberRange", object("1", `,"a":2147483648`), []string{structuredType}, 422, "/a", "integer"},
		{"ErrControl", object("1", `,"a":"\u0007"`), []string{structuredType}, 422, "/a", "control"},
		{"ErrLong", object("1", `,"a":"`+long+`"`), []string{structuredType}, 422, "/a", "longer"},
		{"ErrBothData", object("1", `,"data":1,"data_base64":"AA=="`), []string{structuredType}, 422, "/data_base64", "beside"},
		{"ErrBase64", object("1", `,"data_base64":"?"`), []string{structuredType}, 422, "/data_base64", "base64"},
		{"ErrDataNotText", object("1", `,"datacontenttype":"text/plain","data":{}`), []string{structuredType}, 422, "/data", "string"},
		{"ErrDataContentType", object("1", `,"datacontenttype":7`), []string{structuredType}, 422, "/datacontenttype", "media type"},
		{"ErrDataSchema", object("1", `,"dataschema":"x"`), []string{structuredType}, 422, "/dataschema", "absolute"},
		{"ErrBinaryRequired", "", []string{"ce-specversion: 1.0", "ce-id: 1", "ce-type: t"}, 422, "ce-source", "required"},
		{"ErrBinaryTwice", "", append([]string{"ce-id: 2"}, binary...), 422, "ce-id", "twice"},
		{"ErrBinaryPercent", "", append([]string{"ce-a: %4"}, binary...), 422, "ce-a", "percent"},
		{"ErrBinaryUTF8", "", append([]string{"ce-a: %FF"}, binary...), 422, "ce-a", "percent"},
		{"ErrBinaryDataContentType", "", append([]string{"ce-datacontenttype: text/plain"}, binary...), 422, "ce-datacontenttype",
			"Content-Type"},
		{"ErrBodySize", strings.Repeat(" ", maxBody+1), []string{structuredType}, 413, "", "longer"},
		{"ErrEventSize", object("1", `,"data":"`+strings.Repeat("x", 1_010_000)+`"`), []string{structuredType}, 413, "#", "too large"},
		{"ErrBatchSize", "[" + strings.Repeat("0,", maxBatch) + "0]", []string{batchType}, 413, "", "1001 events"},
		{"ErrOrigin", object("1", ""), []string{structuredType, "Origin: https://example.com"}, 403, "", "page"},
		{"ErrHost", object("1", ""), []string{structuredType, "Host: example.com"}, 421, "", "localhost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, http.MethodPost, "/api/events", tc.body, tc.header...)
			var places []string
			if tc.at != "" {
				places = []string{strings.TrimPrefix(tc.at, "#")}
			}
			hosttest.WantProblem(t, a, tc.status, places...)
			if !strings.Contains(a.Body, tc.says) {
				t.Errorf("got %s, want it to be about %q", a.Body, tc.says)
			}
		})
	}
	if got := s.count(); got != 0 {
		t.Errorf("records: got %d, want none", got)
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	for _, topic := range contract.Topics() {
		for _, path := range []string{"/topics/" + topic, "/api/events?topic=" + topic, "/api/events?topic=axion.events&topic=" + topic} {
			t.Run(path, func(t *testing.T) {
				a := s.send(t, http.MethodPost, path, object("1", ""), structuredType)
				if topic == contract.EventsTopic {
					hosttest.Decode[Accepted](t, a, http.StatusAccepted)
				} else {
					hosttest.WantProblem(t, a, http.StatusForbidden)
				}
			})
		}
	}
	a := s.send(t, http.MethodPost, "/topics/__consumer_offsets", "", "Content-Type: application/vnd.kafka.json.v2+json")
	if p := hosttest.Decode[restError](t, a, http.StatusForbidden); !strings.Contains(p.Message, "never reachable") {
		t.Errorf("got %s, want it to say why", a.Body)
	}
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	s := start(t, cluster, dir)
	first := s.post(t, object("1", `,"data":1`), structuredType)
	again := s.post(t, "1", "ce-specversion: 1.0", "ce-id: 1", "ce-source: /meter", "ce-type: reading", "Content-Type: application/json")
	if again[0] != first[0] {
		t.Errorf("second receipt: got %+v, want %+v", again[0], first[0])
	}
	other := s.post(t, strings.Replace(object("1", ""), "/meter", "/other", 1), structuredType)
	if other[0] == first[0] {
		t.Error("an event of another source got the same receipt")
	}
	s.Stop()

	restarted := start(t, cluster, dir)
	if got := restarted.post(t, object("1", ""), structuredType); got[0] != first[0] {
		t.Errorf("receipt after a restart: got %+v, want %+v", got[0], first[0])
	}
	if got := restarted.count(); got != 2 {
		t.Errorf("records: got %d, want 2", got)
	}
}

// TestBrokerAway holds the broker's acknowledgements back.
func TestBrokerAway(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster := hosttest.Cluster(t)
	s := start(t, cluster, t.TempDir(), func(s *service) { s.publisher.wait = 1 })
	gate := mute(cluster)
	for range 3 {
		a := s.send(t, http.MethodPost, "/api/events", object("1", ""), structuredType)
		p := hosttest.WantProblem(t, a, http.StatusServiceUnavailable)
		if a.Header.Get("Retry-After") != "1" || !strings.Contains(p.Detail, "acknowledge") {
			t.Fatalf("got %v %s, want it to say why and when to try again", a.Header, a.Body)
		}
	}
	s.publisher.inFlight.mu.Lock()
	under := s.publisher.inFlight.byID[identity{"/meter", "1"}]
	s.publisher.inFlight.mu.Unlock()
	if under == nil {
		t.Fatal("the event is not under way any more")
	}
	close(gate)
	<-under.done
	s.publisher.wait = hosttest.Deadline
	r := s.kafka.Next()
	if got := s.post(t, object("1", ""), structuredType)[0]; got.Partition != r.Partition || got.Offset != r.Offset {
		t.Errorf("receipt: got %+v, want that of the first try, %d/%d", got, r.Partition, r.Offset)
	}
	if got := s.count(); got != 1 {
		t.Errorf("records: got %d, want 1", got)
	}
}

// TestStopWhileAway shows that a silent broker does not hold a stop up, and that what
// it had taken by then is not published once more.
func TestStopWhileAway(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster, dir := hosttest.Cluster(t), t.TempDir()
	s := start(t, cluster, dir, func(s *service) { s.publisher.wait = 1 })
	gate := mute(cluster)
	hosttest.WantProblem(t, s.send(t, http.MethodPost, "/api/events", object("1", ""), structuredType), http.StatusServiceUnavailable)
	s.Stop()
	close(gate)
	again := start(t, cluster, dir)
	if got := again.post(t, object("1", ""), structuredType)[0]; got.Topic != contract.EventsTopic {
		t.Errorf("receipt: got %+v", got)
	}
	if got := again.count(); got != 1 {
		t.Errorf("records: got %d, want 1", got)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	s.post(t, object("1", ""), structuredType, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	s.post(t, object("2", ""), structuredType)
	for range 2 {
		h := hosttest.Headers(s.kafka.Next())
		parent := h["traceparent"]
		continued := strings.HasPrefix(parent, "00-0af7651916cd43dd8448eb211c80319c-")
		if len(parent) != 55 || continued != (h["ce_id"] == "1") {
			t.Errorf("event %s: got traceparent %q", h["ce_id"], parent)
		}
	}
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	a := s.send(t, http.MethodOptions, "/api/events", "", "WebHook-Request-Origin: sender.example.com")
	if a.Status != http.StatusNoContent || a.Header.Get("WebHook-Allowed-Origin") != "sender.example.com" ||
		a.Header.Get("WebHook-Allowed-Rate") != "*" {
		t.Errorf("got %d %v", a.Status, a.Header)
	}
	if a := s.send(t, http.MethodOptions, "/api/events", ""); a.Status != http.StatusNoContent ||
		a.Header.Get("WebHook-Allowed-Origin") != "" {
		t.Errorf("without the question: got %d %v", a.Status, a.Header)
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	api := hosttest.Decode[struct {
		Paths map[string]struct {
			Post struct {
				RequestBody struct{ Content map[string]any }
				Responses   map[string]any
			}
		}
	}](t, s.send(t, http.MethodGet, "/openapi.json", ""), http.StatusOK)
	for _, path := range []string{"/api/events", "/topics/{topic}"} {
		op := api.Paths[path].Post
		for _, content := range []string{"application/cloudevents+json", "application/cloudevents-batch+json", "*/*"} {
			if op.RequestBody.Content[content] == nil {
				t.Errorf("%s: OpenAPI lacks the body %s", path, content)
			}
		}
		for _, status := range []string{"202", "400", "403", "413", "415", "422", "503"} {
			if op.Responses[status] == nil {
				t.Errorf("%s: OpenAPI lacks the status %s", path, status)
			}
		}
	}
}
