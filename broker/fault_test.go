package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"axion/broker/fault"
	"axion/web/view"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// breaks has a fault be on until the test ends it.
func breaks(t *testing.T, b *Broker, f view.FaultSpec) view.FaultHandle {
	t.Helper()
	if f.Percent == 0 {
		f.Percent = 100
	}
	broken, err := b.InjectFault(f)
	if err != nil {
		t.Fatal(err)
	}
	return broken
}

// send produces one value to partition 0 of topic, by any client.
func send(t *testing.T, cl *kgo.Client, topic, value string) error {
	t.Helper()
	return cl.ProduceSync(testContext(t), &kgo.Record{
		Topic: topic, Key: []byte("k"), Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}},
	}).FirstErr()
}

func values(records []*kgo.Record) []string {
	var list []string
	for _, r := range records {
		list = append(list, string(r.Value))
	}
	return list
}

func manual() kgo.Opt { return kgo.RecordPartitioner(kgo.ManualPartitioner()) }

func TestDelayTopic(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"slow", "fast"}})
	reader := client(t, b, kgo.ConsumeTopics("slow"))
	writer := client(t, b, manual())
	f := breaks(t, b, view.FaultSpec{Kind: fault.DelayTopic, Target: "slow", DelayMS: 3_600_000})
	ended := make(chan error, 1)
	go func() { ended <- send(t, writer, "slow", "1") }()
	eventually(t, "the produce to be hit", func() bool { return f.Hits() == 1 })
	other := client(t, b, manual())
	if err := send(t, other, "fast", "1"); err != nil {
		t.Errorf("another topic: got %v", err)
	}
	select {
	case err := <-ended:
		t.Errorf("the produce was answered (%v) while the fault was on", err)
	default:
	}
	f.End()
	if err := <-ended; err != nil {
		t.Errorf("after the fault: got %v", err)
	}
	f = breaks(t, b, view.FaultSpec{Kind: fault.DelayTopic, Target: "slow", DelayMS: 3_600_000})
	late := client(t, b, kgo.ConsumeTopics("slow"))
	got := make(chan []string, 1)
	go func() { got <- values(consume(t, late, 1)) }()
	eventually(t, "the fetch to be hit", func() bool { return f.Hits() >= 1 })
	f.End()
	if list := <-got; !slices.Equal(list, []string{"1"}) {
		t.Errorf("after the fault: got %v", list)
	}
	if list := values(consume(t, reader, 1)); !slices.Equal(list, []string{"1"}) {
		t.Errorf("the first reader: got %v", list)
	}
}

func TestFailTopic(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	writer := client(t, b, manual())
	f := breaks(t, b, view.FaultSpec{Kind: fault.FailTopic, Target: "a", Code: "not_leader_for_partition"})
	ended := make(chan error, 1)
	go func() { ended <- send(t, writer, "a", "1") }()
	eventually(t, "the produce to be tried again", func() bool { return f.Hits() >= 2 })
	f.End()
	if err := <-ended; err != nil {
		t.Errorf("a client that tries again: got %v", err)
	}
	f = breaks(t, b, view.FaultSpec{Kind: fault.FailTopic, Target: "a", Code: "TOPIC_AUTHORIZATION_FAILED"})
	if err := send(t, writer, "a", "2"); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("an error that is not tried again: got %v", err)
	}
	f.End()
	if list := values(consume(t, client(t, b, kgo.ConsumeTopics("a")), 1)); !slices.Equal(list, []string{"1"}) {
		t.Errorf("records: got %v", list)
	}
}

func TestDuplicateTopic(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	for name, opts := range map[string][]kgo.Opt{
		"Idempotent": {manual()},
		"Plain":      {manual(), kgo.DisableIdempotentWrite()},
		"NoAnswer":   {manual(), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.NoAck())},
		"Compressed": {manual(), kgo.ProducerBatchCompression(kgo.ZstdCompression())},
	} {
		f := breaks(t, b, view.FaultSpec{Kind: fault.DuplicateTopic, Target: "a"})
		reader := client(t, b, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"a": {0: kgo.NewOffset().AtEnd()}}))
		writer := client(t, b, opts...)
		ends, err := b.admin.Kadm().ListEndOffsets(testContext(t), "a")
		if err != nil {
			t.Fatal(err)
		}
		end, _ := ends.Lookup("a", 0)
		reader.SetOffsets(map[string]map[int32]kgo.EpochOffset{"a": {0: {Epoch: -1, Offset: end.Offset}}})
		if err := send(t, writer, "a", name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := consume(t, reader, 2)
		if !slices.Equal(values(got), []string{name, name}) || f.Hits() != 1 {
			t.Errorf("%s: got %v and %d hits", name, values(got), f.Hits())
		}
		if one, two := got[0], got[1]; string(two.Key) != "k" || len(two.Headers) != 1 || !one.Timestamp.Equal(two.Timestamp) ||
			two.Offset <= one.Offset {
			t.Errorf("%s: the second is %+v, want it like the first, %+v", name, two, one)
		}
		f.End()
	}
}

// TestDropTopic loses some of an idempotent producer's records, and none of those
// before and after.
func TestDropTopic(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	writer := client(t, b, manual())
	plain := client(t, b, manual(), kgo.DisableIdempotentWrite())
	var want []string
	for round := range 3 {
		for i, cl := range []*kgo.Client{writer, plain} {
			value := fmt.Sprintf("%d/%d", round, i)
			if err := send(t, cl, "a", value); err != nil {
				t.Fatalf("kept: %v", err)
			}
			want = append(want, value)
			f := breaks(t, b, view.FaultSpec{Kind: fault.DropTopic, Target: "a"})
			for range 2 {
				if err := send(t, cl, "a", "lost"); err != nil {
					t.Errorf("lost: got %v, want it told as written", err)
				}
			}
			if f.Hits() != 2 {
				t.Errorf("hits: got %d, want 2", f.Hits())
			}
			f.End()
		}
	}
	if err := send(t, writer, "a", "last"); err != nil {
		t.Errorf("after all: %v", err)
	}
	want = append(want, "last")
	if got := values(consume(t, client(t, b, kgo.ConsumeTopics("a")), len(want))); !slices.Equal(got, want) {
		t.Errorf("records: got %v, want %v", got, want)
	}
}

// TestLoseCoordinator takes a group's coordinator away: its member cannot commit,
// and goes on once it is back.
func TestLoseCoordinator(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a"}})
	writer := client(t, b, manual())
	member := client(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("a"), kgo.DisableAutoCommit(), kgo.HeartbeatInterval(50*time.Millisecond))
	other := client(t, b, kgo.ConsumerGroup("h"), kgo.ConsumeTopics("a"), kgo.DisableAutoCommit())
	if err := send(t, writer, "a", "1"); err != nil {
		t.Fatal(err)
	}
	consume(t, member, 1)
	f := breaks(t, b, view.FaultSpec{Kind: fault.LoseCoordinator, Target: "g"})
	eventually(t, "the member to be hit", func() bool { return f.Hits() >= 2 })
	if records := consume(t, other, 1); other.CommitRecords(testContext(t), records...) != nil {
		t.Error("another group was hit too")
	}
	f.End()
	if err := send(t, writer, "a", "2"); err != nil {
		t.Fatal(err)
	}
	for { // the member joins again, at what it has committed: nothing
		got := consume(t, member, 1)
		if err := member.CommitRecords(testContext(t), got...); err == nil && slices.Contains(values(got), "2") {
			break
		}
	}
	if at := committed(t, b, "g", "a", 0); at != 2 {
		t.Errorf("committed: got %d, want 2", at)
	}
}

// TestRestartBroker takes the broker away under its clients, and finds everything
// there when it is back, at the same address.
func TestRestartBroker(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Topics: []string{"a", "denied"}})
	writer := client(t, b, manual())
	reader := client(t, b, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("a"), kgo.DisableAutoCommit())
	if err := send(t, writer, "a", "1"); err != nil {
		t.Fatal(err)
	}
	if err := reader.CommitRecords(testContext(t), consume(t, reader, 1)...); err != nil {
		t.Fatal(err)
	}
	denied := breaks(t, b, view.FaultSpec{Kind: fault.FailTopic, Target: "denied", Code: "TOPIC_AUTHORIZATION_FAILED"})
	addr := b.Addr()
	for round := range 2 {
		f := breaks(t, b, view.FaultSpec{Kind: fault.RestartBroker})
		if _, err := b.InjectFault(view.FaultSpec{Kind: fault.RestartBroker}); err == nil {
			t.Error("a broker that is away was taken away")
		}
		if _, err := b.InjectFault(view.FaultSpec{Kind: fault.DelayTopic, Target: "a", DelayMS: 1}); err == nil {
			t.Error("a topic of a broker that is away was slowed")
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := b.Healthy(short); err == nil {
			t.Error("the broker is healthy while it is away")
		}
		cancel()
		f.End()
		if b.Addr() != addr || b.Healthy(testContext(t)) != nil {
			t.Fatal("the broker did not come back")
		}
		value := fmt.Sprint("after ", round)
		if err := send(t, writer, "a", value); err != nil {
			t.Fatalf("produce: %v", err)
		}
		if got := values(consume(t, reader, 1)); !slices.Equal(got, []string{value}) {
			t.Errorf("records: got %v", got)
		}
	}
	if err := send(t, writer, "denied", "1"); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("the other fault is gone with the restart: got %v", err)
	}
	denied.End()
	breaks(t, b, view.FaultSpec{Kind: fault.RestartBroker}) // Close ends it
}
