package ingest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/services/host/hosttest"
)

const onTopic = "/topics/" + contract.EventsTopic

func media(name string) string { return "Content-Type: " + name }

func TestProduce(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	for _, tc := range []struct {
		name, media, record string
		key, value          string
		null                bool
	}{
		{"JSON", restJSON, `{"key":"a","value":{"v": 1}}`, `"a"`, `{"v": 1}`, false},
		{"JSONNoKey", restJSON + "; charset=utf-8", `{"value":[1,2]}`, "", `[1,2]`, false},
		{"JSONNull", restJSON, `{"key":7,"value":null}`, "7", "", true},
		{"Binary", restBinary, `{"key":"YQ==","value":"AP8="}`, "a", "\x00\xff", false},
		{"BinaryEmpty", restBinary, `{"value":""}`, "", "", false},
		{"Partition", restJSON, `{"value":1,"partition":2}`, "", "1", false},
	} {
		t.Run("OK/"+tc.name, func(t *testing.T) {
			a := hosttest.Decode[offsets](t, s.send(t, http.MethodPost, onTopic, `{"records":[`+tc.record+`]}`, media(tc.media)), http.StatusOK)
			r := s.kafka.Next()
			if len(a.Offsets) != 1 || *a.Offsets[0].Partition != r.Partition || *a.Offsets[0].Offset != r.Offset || a.Offsets[0].Code != nil {
				t.Errorf("got %+v, want the place of %d/%d", a, r.Partition, r.Offset)
			}
			if string(r.Key) != tc.key || string(r.Value) != tc.value || (r.Value == nil) != tc.null {
				t.Errorf("got %q, %q (null %v), want %q, %q", r.Key, r.Value, r.Value == nil, tc.key, tc.value)
			}
			if tc.name == "Partition" && r.Partition != 2 {
				t.Errorf("got partition %d, want 2", r.Partition)
			}
		})
	}
	for _, tc := range []struct {
		name, path, media, body string
		status, code            int
	}{
		{"Topic", "/topics/axion.graph-service", restJSON, `{"records":[{"value":1}]}`, 403, codeForbidden},
		{"Reply", "/topics/axion.graph-service.reply", restJSON, `{"records":[{"value":1}]}`, 403, codeForbidden},
		{"NotJSON", onTopic, restJSON, `{`, 400, codeBadRequest},
		{"NotObject", onTopic, restJSON, `[1]`, 422, codePayload},
		{"NoRecords", onTopic, restJSON, `{"records":[]}`, 422, codeBatch},
		{"TooMany", onTopic, restJSON, `{"records":[` + strings.Repeat(`{"value":1},`, maxBatch) + `{"value":1}]}`, 422, codeBatch},
		{"NotBase64", onTopic, restBinary, `{"records":[{"value":"AP8="},{"value":"%"}]}`, 422, codeJSON},
		{"NotText", onTopic, restBinary, `{"records":[{"value":1}]}`, 422, codeJSON},
		{"Negative", onTopic, restJSON, `{"records":[{"value":1,"partition":-1}]}`, 422, codeJSON},
		{"NoPartition", onTopic, restJSON, `{"records":[{"value":1,"partition":99}]}`, 404, codeNoPartition},
		{"Avro", onTopic, "application/vnd.kafka.avro.v2+json", `{}`, 415, codeMediaType},
		{"TooLarge", onTopic, restJSON, `{"records":[{"value":"` + strings.Repeat("x", maxBody) + `"}]}`, 413, codeTooLarge},
	} {
		t.Run("Err"+tc.name, func(t *testing.T) {
			before := s.count()
			a := hosttest.Decode[restError](t, s.send(t, http.MethodPost, tc.path, tc.body, media(tc.media)), tc.status)
			if a.Code != tc.code || a.Message == "" {
				t.Errorf("got %d %q, want code %d", a.Code, a.Message, tc.code)
			}
			if got := s.count(); got != before {
				t.Errorf("records: got %d new, want none", got-before)
			}
		})
	}
}

// refusePartition has the broker refuse what goes to one partition, and take the rest.
func refusePartition(cluster *clustertest.Broker, refused int32) {
	cluster.ControlKey(int16(kmsg.Produce), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := kreq.(*kmsg.ProduceRequest)
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				part := kmsg.NewProduceResponseTopicPartition()
				if part.Partition = p.Partition; p.Partition == refused {
					part.ErrorCode = kerr.InvalidRecord.Code
				}
				answer.Partitions = append(answer.Partitions, part)
			}
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, true
	})
}

// TestSome distinguishes what the broker accepted from what it refused.
func TestSome(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster := hosttest.Cluster(t)
	s := start(t, cluster, t.TempDir())
	refusePartition(cluster, 1)
	body := `{"records":[{"value":1,"partition":0},{"value":2,"partition":1},{"value":3,"partition":2}]}`
	a := hosttest.Decode[offsets](t, s.send(t, http.MethodPost, onTopic, body, media(restJSON)), http.StatusMultiStatus)
	for i, o := range a.Offsets {
		if failed := i == 1; (o.Code != nil) != failed || (o.Offset == nil) != failed {
			t.Errorf("record %d: got %+v", i, o)
		}
	}
	e := s.send(t, http.MethodPost, onTopic, `{"records":[{"value":2,"partition":1}]}`, media(restJSON))
	if got := hosttest.Decode[restError](t, e, http.StatusServiceUnavailable); got.Code != codeBroker {
		t.Errorf("got %+v", got)
	}
	// Events choose their partitions by key: of many some are refused.
	var list []string
	for _, key := range strings.Split("abcdefghijklmnop", "") {
		list = append(list, object(key, `,"partitionkey":"`+key+`"`))
	}
	reply := s.send(t, http.MethodPost, "/api/events", "["+strings.Join(list, ",")+"]", batchType)
	events := hosttest.Decode[Accepted](t, reply, http.StatusMultiStatus)
	good := 0
	for i, item := range events.Items {
		if item.Status == 0 {
			good++
		} else if item.Status != http.StatusServiceUnavailable || item.Error == "" {
			t.Errorf("item %d: got %+v", i, item)
		}
	}
	if good != events.Accepted || good == 0 || good == len(list) {
		t.Errorf("got %d of %d, answered %d", good, len(list), events.Accepted)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	record := `{"records":[{"value":1}]}`
	ask := func(body string, header ...string) hosttest.Reply {
		return s.send(t, http.MethodPost, onTopic, body, append(header, media(restJSON))...)
	}
	first := ask(record, "Idempotency-Key: one")
	if again := ask(record, `Idempotency-Key: "one"`); again.Status != http.StatusOK || again.Body != first.Body {
		t.Errorf("again: got %d %s, want %s", again.Status, again.Body, first.Body)
	}
	if got := s.count(); got != 1 {
		t.Errorf("records: got %d, want 1", got)
	}
	hosttest.WantProblem(t, ask(`{"records":[{"value":2}]}`, "Idempotency-Key: one"), http.StatusUnprocessableEntity)
	hosttest.WantProblem(t, ask(record, "Idempotency-Key: "+strings.Repeat("x", maxKey+1)), http.StatusBadRequest)
	if other := ask(record, "Idempotency-Key: one", "Authorization: Bearer other"); other.Status != http.StatusOK || other.Body == first.Body {
		t.Errorf("another caller: got %d %s, want an answer of its own", other.Status, other.Body)
	}
	bad := s.send(t, http.MethodPost, "/api/events", "{", structuredType, "Idempotency-Key: two")
	if again := s.send(t, http.MethodPost, "/api/events", "{", structuredType, "Idempotency-Key: two"); again.Status != bad.Status ||
		again.Body != bad.Body {
		t.Errorf("a refusal again: got %d %s, want %d %s", again.Status, again.Body, bad.Status, bad.Body)
	}
}

// TestIdempotencyUnderWay refuses the second of two requests while the first waits.
func TestIdempotencyUnderWay(t *testing.T) {
	t.Parallel()
	clustertest.Embedded(t)
	cluster := hosttest.Cluster(t)
	s := start(t, cluster, t.TempDir())
	gate := mute(cluster)
	first := make(chan hosttest.Reply, 1)
	body := object("a", "")
	go func() { first <- s.send(t, http.MethodPost, "/api/events", body, structuredType, "Idempotency-Key: k") }()
	for { // until the first is under way
		s.idempotency.mu.Lock()
		n := len(s.idempotency.underWay)
		s.idempotency.mu.Unlock()
		if n == 1 {
			break
		}
	}
	hosttest.WantProblem(t, s.send(t, http.MethodPost, "/api/events", body, structuredType, "Idempotency-Key: k"), http.StatusConflict)
	close(gate)
	if a := <-first; a.Status != http.StatusAccepted {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// TestBusy: where as many events wait for the broker as there is room for, a client is
// to come back, and may with the same key.
func TestBusy(t *testing.T) {
	t.Parallel()
	s := start(t, hosttest.Cluster(t), t.TempDir())
	if err := s.publisher.inFlight.reserve(maxInFlightBytes); err != nil {
		t.Fatal(err)
	}
	record := `{"records":[{"value":1}]}`
	a := s.send(t, http.MethodPost, "/api/events", object("1", ""), structuredType, "Idempotency-Key: 1")
	if p := hosttest.WantProblem(t, a, http.StatusTooManyRequests); a.Header.Get("Retry-After") != "1" ||
		!strings.Contains(p.Detail, "too many events") {
		t.Errorf("got %v %s, want it to say why and when to try again", a.Header, a.Body)
	}
	a = s.send(t, http.MethodPost, onTopic, record, media(restJSON), "Idempotency-Key: 2")
	if e := hosttest.Decode[restError](t, a, http.StatusTooManyRequests); a.Header.Get("Retry-After") != "1" || e.Code != 429 {
		t.Errorf("got %v %s, want when to try again", a.Header, a.Body)
	}
	s.publisher.inFlight.release(maxInFlightBytes)
	s.post(t, object("1", ""), structuredType, "Idempotency-Key: 1")
	hosttest.Decode[offsets](t, s.send(t, http.MethodPost, onTopic, record, media(restJSON), "Idempotency-Key: 2"), http.StatusOK)
}
