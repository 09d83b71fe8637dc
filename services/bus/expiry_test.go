package bus

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"axion/services/bus/message"
	"axion/services/bus/topics"
	"axion/services/contract"
)

// askRaw sends a request as a peer would that is no bus, with more headers as names and
// values in turn, and returns the record that answers it.
func askRaw(t *testing.T, brokers []string, id string, headers ...string) *kgo.Record {
	t.Helper()
	client := plainClient(t, brokers, kgo.ConsumeTopics("peer.reply"))
	r := &kgo.Record{Topic: contract.Topic("b"), Key: []byte("k"), Value: []byte(id), Headers: []kgo.RecordHeader{
		{Key: message.HeaderType, Value: []byte("ASK")}, {Key: message.HeaderCorrelation, Value: []byte(id)},
		{Key: message.HeaderReplyTopic, Value: []byte("peer.reply")},
	}}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	produce(t, client, r)
	for {
		if answer := readRecord(t, client); Headers(answer.Headers).Get(message.HeaderCorrelation) == id {
			return answer
		}
	}
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func TestExpiry(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t, "peer.reply").ListenAddrs()
	reader := sdkmetric.NewManualReader()
	b := openBus(t, brokers, "b", func(o *Options) { o.Meter = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)) })
	handled := make(chan string, 10)
	b.Handle("ASK", func(_ context.Context, m *Message) (any, error) {
		handled <- string(m.Value)
		return "done", nil
	})
	runBus(t, b)
	for name, headers := range map[string][]string{
		"InTime": {message.HeaderExpires, millis(time.Now().Add(time.Hour))}, "None": nil, "Unreadable": {message.HeaderExpires, "tomorrow"},
		"Zero": {message.HeaderExpires, "0"},
	} {
		t.Run("OK/"+name, func(t *testing.T) {
			answer := askRaw(t, brokers, name, headers...)
			if got := receive(t, handled, "call"); got != name || string(answer.Value) != "done" {
				t.Errorf("handled %q, answered %q", got, answer.Value)
			}
		})
	}
	t.Run("ErrLate", func(t *testing.T) {
		answer := Headers(askRaw(t, brokers, "late", message.HeaderExpires, millis(time.Now().Add(-time.Millisecond))).Headers)
		if got := answer.Get(message.HeaderError); !strings.Contains(got, ErrExpired.Error()) {
			t.Errorf("told %q, want that it expired", got)
		}
		askRaw(t, brokers, "next", message.HeaderExpires, millis(time.Now().Add(time.Hour)))
		if got := receive(t, handled, "call"); got != "next" {
			t.Errorf("%s was handled", got)
		}
		if got := counts(t, reader)["axion.bus.expired.messages axion.b "]; got != 1 {
			t.Errorf("counted %d expired, want 1", got)
		}
	})
}

// TestExpiryGiven reads what a request says of itself, and what comes of one that waits
// behind another until it is late.
func TestExpiryGiven(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	a, b := openBus(t, brokers, "a"), openBus(t, brokers, "b")
	begun, held := make(chan *Message, 10), make(chan struct{})
	b.Handle("ASK", func(_ context.Context, m *Message) (any, error) {
		begun <- m
		<-held
		return nil, nil
	})
	runBus(t, b)
	ask := func(id string, limit time.Duration) error {
		ctx, cancel := context.WithTimeout(testContext(t), limit)
		defer cancel()
		return a.Request(ctx, Call{ID: id, Topic: contract.Topic("b"), Type: "ASK", Key: "k"})
	}
	from := a.AnswersFrom()
	sent := time.Now()
	var late *TimeoutError
	if err := ask("first", time.Second); !errors.As(err, &late) {
		t.Fatalf("got %v, want no answer in time", err)
	}
	m := receive(t, begun, "call")
	if at := m.ExpiresAt.Sub(sent); at < 900*time.Millisecond || at > patience {
		t.Errorf("expires %s after it was sent, want about 1s", at)
	}
	if err := ask("second", 50*time.Millisecond); !errors.As(err, &late) {
		t.Fatalf("got %v, want no answer in time", err)
	}
	close(held)
	answers := map[string]error{}
	eventually(t, "both are answered", func() bool {
		next, err := a.Answers(testContext(t), from, func(id string, refused error) { answers[id] = refused })
		if err != nil {
			t.Fatal(err)
		}
		from = next
		return len(answers) == 2
	})
	if err, ok := answers["first"]; !ok || err != nil {
		t.Errorf("the first was answered %v (%v), want that it was done", err, ok)
	}
	if err := answers["second"]; !errors.Is(err, ErrExpired) {
		t.Errorf("the second was answered %v, want that it expired", err)
	}
	if len(begun) != 0 {
		t.Error("the second was handled")
	}
}

// TestExpiryHandling has a handler that works longer than its caller waits.
func TestExpiryHandling(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t, "peer.reply").ListenAddrs()
	b := openBus(t, brokers, "b")
	calls := 0
	b.Handle("ASK", func(ctx context.Context, m *Message) (any, error) {
		calls++
		<-ctx.Done() // or the test fails
		return nil, Retriable(ctx.Err())
	})
	runBus(t, b)
	answer := askRaw(t, brokers, "one", message.HeaderExpires, millis(time.Now().Add(300*time.Millisecond)))
	if got := Headers(answer.Headers).Get(message.HeaderError); !strings.Contains(got, message.ErrUnfinished.Error()) ||
		strings.Contains(got, ErrExpired.Error()) {
		t.Errorf("told %q, want that it is not done", got)
	}
	if calls != 1 {
		t.Errorf("called %d times, want once", calls)
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, "events")
	b := openBus(t, cluster.ListenAddrs(), "svc")
	client := plainClient(t, cluster.ListenAddrs())
	write := func(texts ...string) {
		t.Helper()
		for i, text := range texts {
			produce(t, client, &kgo.Record{Topic: "events", Partition: int32(i % 3), Value: []byte(text)})
		}
	}
	scan := func(from Offsets) (next Offsets, got string) {
		t.Helper()
		next, err := b.Topic("events").Scan(testContext(t), from, func(m *Message) error { got += string(m.Value); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return next, got
	}
	next, got := scan(nil)
	if got != "" || len(next) != 3 {
		t.Errorf("an empty topic: got %q and %v", got, next)
	}
	write("a", "b", "c", "d")
	next, got = scan(next)
	if len(got) != 4 {
		t.Errorf("got %q, want all four", got)
	}
	parsed, err := topics.ParseOffsets(next.String())
	if err != nil {
		t.Fatal(err)
	}
	write("e")
	if next, got = scan(parsed); got != "e" {
		t.Errorf("got %q, want what came since", got)
	}
	if _, got = scan(next); got != "" {
		t.Errorf("got %q again", got)
	}
	// The topic was made anew since.
	if _, got = scan(Offsets{0: 1000, 1: next[1], 2: next[2]}); got != "ade" {
		t.Errorf("got %q, want the whole partition", got)
	}
	if got := (Offsets{0: 3, 1: 5}).Before(Offsets{0: 4, 1: 2, 2: 9}); len(got) != 2 || got[0] != 3 || got[1] != 2 {
		t.Errorf("before: got %v", got)
	}
}

// TestExpiryOutage: a request waits for the end of an outage as long as its sender does,
// and no longer; one that does not say how long that is, not at all.
func TestExpiryOutage(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t, "peer.reply").ListenAddrs()
	outage := errors.New("the database is away")
	b := openBus(t, brokers, "b", func(o *Options) { o.Outage = func(err error) bool { return errors.Is(err, outage) } })
	var calls atomic.Int32
	b.Handle("ASK", func(_ context.Context, m *Message) (any, error) {
		called := calls.Add(1)
		if m.Attempt != 1 {
			t.Errorf("%s: got attempt %d, want the first: an outage does not count", m.Value, m.Attempt)
		}
		if string(m.Value) == "OK" && called > 10 {
			return "done", nil
		}
		return nil, outage
	})
	runBus(t, b)
	ask := func(id string, headers ...string) (answer, problem string, called int32) {
		calls.Store(0)
		r := askRaw(t, brokers, id, headers...)
		return string(r.Value), Headers(r.Headers).Get(message.HeaderError), calls.Load()
	}
	if answer, problem, called := ask("OK", message.HeaderExpires, millis(time.Now().Add(time.Hour))); answer != "done" || called != 11 {
		t.Errorf("in time: answered %q and %q after %d calls", answer, problem, called)
	}
	want := message.ErrUnfinished
	_, problem, called := ask("Late", message.HeaderExpires, millis(time.Now().Add(2*time.Second)))
	if called == 0 { // on a machine that is busy
		want = ErrExpired
	}
	if !strings.Contains(problem, want.Error()) {
		t.Errorf("too late: told %q after %d calls, want %q", problem, called, want)
	}
	if _, problem, called := ask("None"); !strings.Contains(problem, message.InternalError) || called != 1 {
		t.Errorf("without a time: told %q after %d calls, want one", problem, called)
	}
}
