package ingest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"axion/services/contract"
	"axion/services/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds every wait of a test; nothing depends on its length.
const deadline = 30 * time.Second

func newCluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, contract.Topics()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// stack is the service on a broker, and a plain Kafka client beside it.
type stack struct {
	*service
	kafka *kgo.Client
	base  string
	stop  func() // at the latest when the test ends
}

// start runs the service until the test ends, or until stop.
func start(t *testing.T, cluster *kfake.Cluster, dir string, change ...func(*service)) *stack {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), host.Options{
		Listener: listener, Dir: dir, Brokers: cluster.ListenAddrs(), Version: "test",
		Issuer: "https://auth.localhost", Tracer: noop.NewTracerProvider(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	for _, fn := range change {
		fn(s)
	}
	stop := sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		if err := s.host.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	t.Cleanup(stop)
	if err := s.host.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	kafka, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics(contract.EventsTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	return &stack{service: s, kafka: kafka, base: "http://" + listener.Addr().String(), stop: stop}
}

// answer is an HTTP answer, read.
type answer struct {
	status int
	header http.Header
	body   string
	Accepted
	problem host.Problem
}

// send does one request; header is "Name: value" lines.
func (s *stack) send(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	client := &http.Client{}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(raw)}
	if a.status == http.StatusAccepted {
		err = json.Unmarshal(raw, &a.Accepted)
	} else if len(raw) > 0 {
		err = json.Unmarshal(raw, &a.problem)
	}
	if err != nil {
		t.Fatalf("body %q: %v", raw, err)
	}
	return a
}

// post sends events that must be accepted.
func (s *stack) post(t *testing.T, body string, header ...string) []Receipt {
	t.Helper()
	a := s.send(t, http.MethodPost, "/api/events", body, header...)
	if a.status != http.StatusAccepted {
		t.Fatalf("status: got %d, want 202: %s", a.status, a.body)
	}
	if a.Accepted.Accepted != len(a.Items) {
		t.Errorf("accepted: got %d with %d items", a.Accepted.Accepted, len(a.Items))
	}
	return a.Items
}

// records reads the next n records of the events topic.
func (s *stack) records(t *testing.T, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetches := s.kafka.PollRecords(ctx, n-len(out))
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(out), n, err)
		}
		out = append(out, fetches.Records()...)
	}
	return out
}

// count is how many records the events topic holds.
func (s *stack) count(t *testing.T) (n int64) {
	t.Helper()
	ends, err := kadm.NewClient(s.kafka).ListEndOffsets(t.Context(), contract.EventsTopic)
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// headers are a record's, but for the trace.
func headers(r *kgo.Record) map[string]string {
	out := map[string]string{}
	for _, h := range r.Headers {
		out[h.Key] = string(h.Value)
	}
	maps.DeleteFunc(out, func(name, _ string) bool { return name == "traceparent" })
	return out
}
