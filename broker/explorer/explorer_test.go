package explorer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"axion/broker/admin"
	"axion/broker/brokertest"
	"axion/web/view"
)

func explore(t *testing.T, b brokertest.Cluster) *Explorer {
	t.Helper()
	e := New(b.Admin(), sdktrace.NewTracerProvider(), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

// TestTrace writes messages whose traces begin there, and one that goes on with a trace.
func TestTrace(t *testing.T) {
	t.Parallel()
	b, spans := brokertest.NewCluster(t, "a"), tracetest.NewSpanRecorder()
	e := New(b.Admin(), sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	call := api(t, e)
	var written Message
	if status, text := call("POST", "/api/topics/a/messages",
		`{"key":"k","value":"`+strings.Repeat("tea ", 500)+`","trace":true}`); status != 201 || json.Unmarshal([]byte(text), &written) != nil {
		t.Fatalf("got %d %s", status, text)
	}
	if status, text := call("POST", "/api/topics/a/messages",
		`{"trace":true,"headers":[{"name":"traceparent","value":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}]}`); status != 201 ||
		strings.Count(text, "traceparent") != 1 {
		t.Errorf("with a trace: got %d %s", status, text)
	}
	if status, _ := call("POST", "/api/topics/none/messages", `{"trace":true}`); status != 404 {
		t.Errorf("no topic: got %d", status)
	}
	reader := brokertest.Client(t, b, kgo.ConsumeTopics("a"))
	for _, r := range reader.PollRecords(brokertest.Context(t), 1).Records() {
		if how := r.Attrs.CompressionType(); how != 0 {
			t.Errorf("compressed as %d, which KafkaJS may not read", how)
		}
	}
	ended := spans.Ended()
	if len(ended) != 2 || ended[0].SpanContext().TraceID().String() != written.TraceID || ended[0].Name() != "publish a" ||
		ended[1].Status().Description == "" {
		t.Fatalf("got %+v, want a span of %+v and one that failed", ended, written)
	}
	if offset := attribute.Int64("messaging.kafka.offset", written.Offset); !slices.Contains(ended[0].Attributes(), offset) {
		t.Errorf("got %v, which lack %v", ended[0].Attributes(), offset)
	}
}

// api serves an Explorer's operations.
func api(t *testing.T, e *Explorer) (call func(method, path, body string) (int, string)) {
	t.Helper()
	mux := http.NewServeMux()
	e.Register(humago.New(mux, huma.DefaultConfig("test", "0")))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
}

// made are the topics that the test has made: a cluster has more of its own.
func made(t *testing.T, e *Explorer) []view.Topic {
	t.Helper()
	topics, err := e.Topics(brokertest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(topics, func(topic view.Topic) bool { return topic.Internal })
}

func TestAPI(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	numbered(t, b, "a", 30)
	e := explore(t, b)
	call := api(t, e)
	tests := []struct {
		method, path, body string
		status             int
		words              string // all of them, parted by |
	}{
		{"GET", "/api/topics/a", "", 200, `"name":"a"|"messages":30|{"id":0,"start":0,"end":10,"leader":|"retention.ms"|"groups":[]`},
		{"GET", "/api/topics/none", "", 404, "the broker has no such topic"},
		{"GET", "/api/topics/a/messages?limit=2", "", 200, `"n":29|"next":"older,|"searched":2|"end":"newer,0:10,1:10,2:10"`},
		{"GET", "/api/topics/a/messages?partition=1&offset=3&limit=1", "", 200, `"partition":1,"offset":3|"kind":"json"`},
		{"GET", "/api/topics/a/messages?time=2026-01-01T00:00:28Z", "", 200, `key-28|key-29`},
		{"GET", "/api/topics/a/messages?path=%24%5B", "", 422, `query.path`},
		{"GET", "/api/topics/a/messages?after=x", "", 422, `query.after`},
		{"GET", "/api/topics/a/messages?partition=9", "", 404, `has 3`},
		{"GET", "/api/topics/a/messages?limit=501", "", 422, `501`},
		{"GET", "/api/topics/a/messages/2/9", "", 200, `key-29`},
		{"GET", "/api/topics/a/messages/2/10", "", 404, `there is no message at this offset`},
		{"GET", "/api/topics/a/messages/2/9/value", "", 200, `{"n":29,`},
		{"POST", "/api/topics/a/messages", `{"key":"k","value":"{}","partition":2,"headers":[{"name":"h","value":"v"}],"trace":true}`, 201,
			`"partition":2,"offset":10|"traceId":"|"name":"traceparent"`},
		{"POST", "/api/topics/a/messages", `{"value":"AP8=","encoding":"base64","key":"k"}`, 201, `"kind":"binary"`},
		{"POST", "/api/topics/a/messages", `{"value":null}`, 201, `"kind":"null"`},
		{"POST", "/api/topics/a/messages", `{"value":"?","encoding":"base64"}`, 422, `body.value`},
		{"POST", "/api/topics/a/messages", `{"value":"x","partition":7}`, 404, `no such partition`},
		{"POST", "/api/topics/none/messages", `{"value":"x"}`, 404, `no such topic`},
		{"GET", "/api/groups", "", 200, `"items":[]`},
		{"GET", "/api/groups/none", "", 404, `no such group`},
	}
	for _, tt := range tests {
		status, text := call(tt.method, tt.path, tt.body)
		if status != tt.status {
			t.Errorf("%s %s: got %d %s, want %d", tt.method, tt.path, status, text, tt.status)
		}
		for word := range strings.SplitSeq(tt.words, "|") {
			if !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), word) {
				t.Errorf("%s %s: got %s, want %s in it", tt.method, tt.path, text, word)
			}
		}
	}
	if topics := made(t, e); len(topics) != 1 || topics[0].Messages != 33 {
		t.Errorf("topics: got %+v", topics)
	}
}

// tailing runs a tail; it gives the batches, and how it ended.
func tailing(t *testing.T, e *Explorer, query url.Values) (batches <-chan tailBatch, ended <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	sent, end := make(chan tailBatch), make(chan error, 1)
	go func() {
		end <- e.tailTopic(ctx, query, func(v any) error {
			select {
			case sent <- v.(tailBatch):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(cancel)
	return sent, end, cancel
}

// next waits for a batch.
func next(t *testing.T, batches <-chan tailBatch) tailBatch {
	t.Helper()
	select {
	case got := <-batches:
		return got
	case <-brokertest.Context(t).Done():
		t.Fatal("no batch came")
		return tailBatch{}
	}
}

// until reads batches until so many messages have come.
func until(t *testing.T, batches <-chan tailBatch, n int) (items []Message, at string) {
	t.Helper()
	for len(items) < n {
		got := next(t, batches)
		items, at = append(items, got.Items...), got.At
	}
	return items, at
}

func TestTail(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	numbered(t, b, "a", 30)
	e := explore(t, b)
	page, err := NewReader(b.Admin()).Read(brokertest.Context(t), Query{Topic: "a", Partition: -1, Offset: -1})
	if err != nil {
		t.Fatal(err)
	}
	numbered(t, b, "a", 130) // between the page and its tail
	batches, ended, stop := tailing(t, e, url.Values{"topic": {"a"}, "from": {page.End}})
	first := next(t, batches)
	if len(first.Items) != maxBatch || first.Dropped != 0 || first.Skipped != 0 {
		t.Errorf("got %d messages, %d left, %d unread; want %d and nothing left out", len(first.Items), first.Dropped, first.Skipped, maxBatch)
	}
	stop() // the page's connection is lost here
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v at the end", err)
	}
	batches, _, _ = tailing(t, e, url.Values{"topic": {"a"}, "from": {first.At}})
	rest, _ := until(t, batches, 130-maxBatch)
	got := numbers(t, append(first.Items, rest...))
	want := make([]int, 130)
	for i := range want {
		want[i] = i
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want each once", got)
	}
}

func TestTailFilter(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	numbered(t, b, "a", 3)
	e := explore(t, b)
	batches, _, _ := tailing(t, e, url.Values{"topic": {"a"}, "path": {"$.n == 7"}, "partition": {"1"}, "from": {"newer,1:0"}})
	if got := next(t, batches); len(got.Items) != 0 || got.Seen != 1 {
		t.Errorf("got %+v, want one seen", got)
	}
	numbered(t, b, "a", 10)
	if items, _ := until(t, batches, 1); fmt.Sprint(numbers(t, items)) != "[7]" {
		t.Errorf("got %+v", items)
	}
}

func TestTailErr(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a", "gone")
	e := explore(t, b)
	for _, query := range []url.Values{
		{"topic": {"none"}}, {"topic": {""}}, {"topic": {"a"}, "path": {"$["}}, {"topic": {"a"}, "from": {"x"}},
		{"topic": {"a"}, "partition": {"x"}}, {"topic": {"a"}, "partition": {"7"}},
	} {
		if err := e.tailTopic(brokertest.Context(t), query, func(any) error { return nil }); err == nil {
			t.Errorf("%v: got no error", query)
		}
	}
	numbered(t, b, "gone", 1)
	batches, ended, _ := tailing(t, e, url.Values{"topic": {"gone"}, "from": {"newer,0:0"}})
	next(t, batches)
	deleted, err := b.Admin().Kadm().DeleteTopic(brokertest.Context(t), "gone")
	if err != nil {
		t.Fatal(deleted, err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, admin.ErrNoTopic) {
			t.Errorf("got %v, want that the topic is gone", err)
		}
	case <-brokertest.Context(t).Done():
		t.Error("the tail of a deleted topic goes on")
	}
}

// TestTailGrowth: a partition that was added is followed from its start, also where
// the tail began before it had a leader.
func TestTailGrowth(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	numbered(t, b, "a", 1)
	batches, _, _ := tailing(t, explore(t, b), url.Values{"topic": {"a"}, "from": {"newer,0:0,1:0,2:0"}})
	next(t, batches) // it has begun
	created, err := b.Admin().Kadm().CreatePartitions(brokertest.Context(t), 1, "a")
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	producer := brokertest.Client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RetryTimeout(time.Minute),
		kgo.MetadataMinAge(10*time.Millisecond), kgo.MetadataMaxAge(100*time.Millisecond))
	added := &kgo.Record{Topic: "a", Partition: 3, Value: []byte("x")}
	ctx, tick := brokertest.Context(t), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for err = errors.New("not yet"); err != nil; <-tick.C { // until the producer knows of it
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		err = producer.ProduceSync(ctx, added).FirstErr()
	}
	if items, _ := until(t, batches, 1); len(items) != 1 || items[0].Partition != 3 {
		t.Errorf("got %+v, want the message of the new partition", items)
	}
}

// TestTailUnderLoad: what is too much is counted, and nothing is both reported and
// counted.
func TestTailUnderLoad(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	e := explore(t, b)
	const n = 40_000
	batches, _, _ := tailing(t, e, url.Values{"topic": {"a"}, "from": {"newer,0:0,1:0,2:0"}})
	numbered(t, b, "a", n)
	var told, left, unread int64
	for told+left+unread < n {
		got := next(t, batches)
		if len(got.Items) > maxBatch {
			t.Fatalf("got a batch of %d", len(got.Items))
		}
		told, left, unread = told+int64(len(got.Items)), left+got.Dropped, unread+got.Skipped
	}
	if told+left+unread != n || told == 0 || left+unread == 0 {
		t.Errorf("got %d told, %d left out, %d unread, want %d together", told, left, unread, n)
	}
}

func TestLag(t *testing.T) {
	t.Parallel()
	b := brokertest.NewCluster(t, "a")
	numbered(t, b, "a", 30)
	consumer := brokertest.Client(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("a"), kgo.DisableAutoCommit())
	brokertest.Consume(t, consumer, 30)
	if err := consumer.CommitRecords(brokertest.Context(t), &kgo.Record{Topic: "a", Partition: 1, Offset: 3}); err != nil {
		t.Fatal(err)
	}
	e := explore(t, b)
	done := errors.New("seen")
	err := e.lag(brokertest.Context(t), url.Values{"group": {"g"}}, func(v any) error {
		for _, s := range v.(LagHistory).Series {
			if s.Partition == 1 && s.Topic == "a" && s.Lag[len(s.Lag)-1] == 6 {
				text, err := json.Marshal(s)
				if err != nil || !strings.HasPrefix(string(text), `{"group":"g","topic":"a","partition":1,"lag":[`) {
					t.Errorf("got %s, %v", text, err)
				}
				return done
			}
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Error(err)
	}
	if topics := made(t, e); len(topics) != 1 || len(topics[0].Groups) != 1 || topics[0].Groups[0].Name != "g" || topics[0].Bytes == nil ||
		*topics[0].Bytes == 0 {
		t.Errorf("got %+v", topics)
	}
}

// TestHistory fills more than the fifteen minutes.
func TestHistory(t *testing.T) {
	t.Parallel()
	h := newHistory()
	for i := range maxSamples + 10 {
		groups := []admin.GroupDetail{{Name: "g", Partitions: []admin.PartitionLag{{Topic: "a", Lag: int64(i)}}}}
		if i < 5 {
			groups = append(groups, admin.GroupDetail{Name: "old", Partitions: []admin.PartitionLag{{Topic: "a", Lag: 1}}})
		}
		h.add(epoch.Add(time.Duration(i)*sampleInterval), []admin.Topic{{Name: "a", Partitions: []view.Partition{{End: int64(i * 30)}}}}, groups,
			nil)
	}
	lags, _ := h.series("g", "")
	if len(lags.Times) != maxSamples || len(lags.Series) != 1 || lags.Series[0].Lag[0] != 10 ||
		lags.Series[0].Lag[maxSamples-1] != maxSamples+9 {
		t.Errorf("got %d times, %d series", len(lags.Times), len(lags.Series))
	}
	if state := h.states([]admin.Topic{{Name: "a"}})[0]; state.Rate != 10 || len(state.Groups) != 1 || state.Groups[0].Lag != maxSamples+9 {
		t.Errorf("got %+v, want ten a second and one group", state)
	}
	for i := range 2 * maxSamples {
		h.add(epoch.Add(time.Duration(i)*time.Hour), nil, nil, nil)
	}
	if lags, _ := h.series("", "a"); len(lags.Series) != 0 {
		t.Errorf("got %d series of groups that are gone", len(lags.Series))
	}
}
