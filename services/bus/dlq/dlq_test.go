package dlq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"axion/services/bus"
	"axion/services/bus/conn"
	"axion/services/bus/dlq"
	"axion/services/bus/message"
	"axion/services/clustertest"
	"axion/services/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// stack is a broker and a service on it that refuses what is refusing.
type stack struct {
	t        *testing.T
	brokers  []string
	refusing atomic.Bool
	handled  chan *bus.Message
	producer *kgo.Client
}

func start(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, brokers: clustertest.NewBroker(t).ListenAddrs(), handled: make(chan *bus.Message, 100)}
	s.refusing.Store(true)
	b, err := bus.Open(t.Context(), bus.Options{Service: contract.Graph, Brokers: s.brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.Handle("TEST", func(_ context.Context, m *bus.Message) (any, error) {
		if s.refusing.Load() {
			return nil, bus.Permanent(errors.New("not\nnow"))
		}
		s.handled <- m
		return nil, nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	<-b.Ready()
	if s.producer, err = kgo.NewClient(kgo.SeedBrokers(s.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.producer.Close)
	return s
}

// send publishes events with ids of their own, all on a partition that their keys
// alone would not choose.
func (s *stack) send(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		err := s.producer.ProduceSync(s.t.Context(), &kgo.Record{
			Topic: contract.Topic(contract.Graph), Partition: 2, Key: []byte("key of " + id), Value: []byte(`{"id":"` + id + `"}`),
			Headers: []kgo.RecordHeader{{Key: "ce_type", Value: []byte("TEST")}, {Key: "ce_id", Value: []byte(id)},
				{Key: "mine", Value: []byte("1")},
				{Key: message.HeaderExpires, Value: []byte("1")}},
		}).FirstErr()
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stack) open() (*dlq.Client, error) { return dlq.Open(s.brokers) }

// run executes `dlq args…`.
func (s *stack) run(args ...string) (string, error) {
	s.t.Helper()
	cmd := dlq.Command(func() ([]string, []kgo.Opt, error) { return s.brokers, nil, nil })
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(s.t.Context())
	return out.String(), err
}

// letters waits until there are n.
func (s *stack) letters(n int) []*dlq.DeadLetter {
	s.t.Helper()
	c, err := s.open()
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		list, err := c.List(s.t.Context(), contract.Graph)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(list) == n {
			return list
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("got %d letters, want %d", len(list), n)
		}
	}
}

func (s *stack) expect(id string) {
	s.t.Helper()
	select {
	case m := <-s.handled:
		if m.Partition != 2 {
			s.t.Errorf("%s came back on partition %d, want 2", id, m.Partition)
		}
		if m.ID != id || m.Key != "key of "+id || m.Headers.Get("mine") != "1" || m.Headers.Get(message.DeadError) != "" ||
			!m.ExpiresAt.IsZero() {
			s.t.Errorf("got id %q, key %q, headers %v; want the original of %s", m.ID, m.Key, m.Headers, id)
		}
	case <-time.After(patience):
		s.t.Fatalf("%s was not handled", id)
	}
}

// TestReplay puts one letter back, then all others, and drops one that failed again.
func TestReplay(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send("a", "b", "c")
	list := s.letters(3)
	if l := list[0]; l.Error != "not\nnow" || l.Attempts != 1 || l.Type != "TEST" || l.Origin.Topic != contract.Topic(contract.Graph) ||
		l.Time == "" {
		t.Errorf("got %+v", l)
	}
	s.refusing.Store(false)
	first := list[0]
	if out, err := s.run("replay", contract.Graph, first.Position()); err != nil || out != "1 of 1 replayed\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	s.expect(first.ID)
	s.letters(2)
	if _, err := s.run("replay", contract.Graph, first.Position()); err == nil {
		t.Error("a letter was replayed twice")
	}
	s.refusing.Store(true)
	if out, err := s.run("replay", contract.Graph, "--all"); err != nil || out != "2 of 2 replayed\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	again := s.letters(2) // they failed again, with the same ids
	ids := map[string]bool{again[0].ID: true, again[1].ID: true}
	if ids[first.ID] || len(ids) != 2 {
		t.Errorf("got %v", ids)
	}
	if out, err := s.run("drop", contract.Graph, "--all"); err != nil || out != "2 of 2 dropped\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	if out, err := s.run("list"); err != nil || out != "no dead letters\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// TestReplayLarge puts messages back that are as large as the broker takes them: those
// whose letter has their value, and those whose letter had no room for it.
func TestReplayLarge(t *testing.T) {
	t.Parallel()
	s := start(t)
	large, err := kgo.NewClient(kgo.SeedBrokers(s.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(conn.BrokerBatch), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	below := []int{150, 250, 400, 900, 1500, 3000, 50_000}
	for _, less := range below {
		r := &kgo.Record{Topic: contract.Topic(contract.Graph), Key: []byte("k"), Value: bytes.Repeat([]byte("x"), conn.BrokerBatch-less),
			Headers: []kgo.RecordHeader{{Key: "ce_type", Value: []byte("TEST")}, {Key: "ce_id", Value: fmt.Append(nil, less)}}}
		if err := large.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(less, err)
		}
	}
	s.letters(len(below))
	s.refusing.Store(false)
	want := fmt.Sprintf("%d of %[1]d replayed\n", len(below))
	if out, err := s.run("replay", contract.Graph, "--all"); err != nil || out != want {
		t.Fatalf("got %q, %v, want %q", out, err, want)
	}
	for range below {
		select {
		case m := <-s.handled:
			if got := fmt.Sprint(conn.BrokerBatch - len(m.Value)); got != m.ID {
				t.Errorf("%s came back with %s bytes less", m.ID, got)
			}
		case <-time.After(patience):
			t.Fatal("a message is missing")
		}
	}
}

// TestReplayRange replays some of a partition's letters, by the offsets of the first
// and the last.
func TestReplayRange(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send("a", "b", "c", "d", "e", "f", "g") // three of which share a partition at the least
	on := map[int32][]*dlq.DeadLetter{}
	for _, l := range s.letters(7) {
		on[l.Partition] = append(on[l.Partition], l)
	}
	for partition, list := range on {
		if len(list) < 3 {
			continue
		}
		s.refusing.Store(false)
		place := fmt.Sprintf("%d:%d-%d", partition, list[0].Offset, list[1].Offset)
		if out, err := s.run("replay", contract.Graph, place); err != nil || out != "2 of 2 replayed\n" {
			t.Fatalf("got %q, %v", out, err)
		}
		got := map[string]bool{(<-s.handled).ID: true, (<-s.handled).ID: true}
		if !got[list[0].ID] || !got[list[1].ID] {
			t.Errorf("got %v, want %s and %s", got, list[0].ID, list[1].ID)
		}
		for _, l := range s.letters(5) {
			if got[l.ID] {
				t.Errorf("%s is still a dead letter", l.ID)
			}
		}
		return
	}
	t.Fatal("no partition holds three letters")
}

func TestShow(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send("a")
	l := s.letters(1)[0]
	out, err := s.run("list", contract.Graph)
	if err != nil || !strings.Contains(out, `not\nnow`) || strings.Count(out, "\n") != 2 {
		t.Errorf("got %q, %v", out, err)
	}
	out, err = s.run("show", contract.Graph, l.Position())
	if err != nil || !strings.Contains(out, `{"id":"a"}`) || !strings.Contains(out, "axion.graph-service") {
		t.Errorf("got %q, %v", out, err)
	}
	out, err = s.run("show", "--json", contract.Graph, l.Position())
	var got struct {
		ID, Value string
		From      dlq.Origin
	}
	if json.Unmarshal([]byte(out), &got) != nil || err != nil || got.ID != "a" || got.Value != `{"id":"a"}` || got.From != l.Origin {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, args := range [][]string{
		{"list", "other"}, {"show", "graph-service", "7"}, {"show", "graph-service", "0:9"}, {"replay", "graph-service"},
		{"replay", "graph-service", "0:9-2"}, {"drop", "graph-service", "0:1", "--all"}, {"replay", "graph-service", "-1:0"},
	} {
		out, err := s.run(args...)
		if err == nil {
			t.Errorf("%q: got %q, want an error", args, out)
		}
		if choice, ok := errors.AsType[*dlq.SelectionError](err); ok && choice.Hint() == "" {
			t.Errorf("%q: %v has no hint", args, err)
		}
	}
}
