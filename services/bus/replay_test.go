package bus

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/outbox"
	"axion/services/bus/topics"
)

func TestReplay(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	b := openBus(t, cluster.ListenAddrs(), "svc")
	if err := b.Topic("history").EnsureInfiniteRetention(testContext(t)); err != nil {
		t.Fatal(err)
	}
	client := plainClient(t, cluster.ListenAddrs())
	replay := func() (got map[string][]string, err error) {
		got = map[string][]string{}
		err = b.Topic("history").Replay(testContext(t), func(m *Message) error {
			got[m.Key] = append(got[m.Key], string(m.Value))
			return nil
		})
		return got, err
	}
	t.Run("OK/empty", func(t *testing.T) {
		if got, err := replay(); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v, want nothing", got, err)
		}
	})
	want := map[string][]string{}
	for i := range 3000 {
		key := fmt.Sprint(i % 7)
		r := &kgo.Record{Topic: "history", Partition: int32(i % 7 % 2), Key: []byte(key), Value: fmt.Append(nil, i)}
		client.TryProduce(testContext(t), r, nil)
		want[key] = append(want[key], string(r.Value))
	}
	if err := client.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	t.Run("OK", func(t *testing.T) {
		got, err := replay()
		if err != nil {
			t.Fatal(err)
		}
		for key := range want {
			if !slices.Equal(got[key], want[key]) {
				t.Errorf("key %s: got %d messages, want %d in order", key, len(got[key]), len(want[key]))
			}
		}
	})
	t.Run("ErrHandler", func(t *testing.T) {
		calls, mine := 0, errors.New("mine")
		err := b.Topic("history").Replay(testContext(t), func(*Message) error { calls++; return mine })
		if !errors.Is(err, mine) || calls != 1 {
			t.Errorf("got %v after %d calls", err, calls)
		}
	})
	t.Run("ErrContext", func(t *testing.T) {
		ctx, cancel := context.WithCancel(testContext(t))
		err := b.Topic("history").Replay(ctx, func(*Message) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want it cancelled", err)
		}
	})
	t.Run("ErrUnknown", func(t *testing.T) {
		if err := b.Topic("nowhere").Replay(testContext(t), func(*Message) error { return nil }); err == nil {
			t.Error("replayed a topic that is not there")
		}
	})
	t.Run("ErrCut", func(t *testing.T) {
		_, err := kadm.NewClient(client).DeleteRecords(testContext(t), kadm.Offsets{"history": {1: {Topic: "history", Partition: 1, At: 5}}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := replay()
		var cut *topics.TruncatedTopicError
		if !errors.As(err, &cut) || cut.Partition != 1 || cut.Start != 5 || len(got) != 0 {
			t.Errorf("got %v after %d keys, want a topics.TruncatedTopicError and no call", err, len(got))
		}
	})
}

// TestEnsureInfiniteRetention reads the settings that a topic gets, new or not.
func TestEnsureInfiniteRetention(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	b := openBus(t, cluster.ListenAddrs(), "svc")
	makeTopics(t, b, "old")
	for _, topic := range []string{"old", "new", "new"} {
		if err := b.Topic(topic).EnsureInfiniteRetention(testContext(t)); err != nil {
			t.Fatal(err)
		}
		configs, err := b.conn.Admin.DescribeTopicConfigs(testContext(t), topic)
		if err != nil {
			t.Fatal(err)
		}
		of, err := configs.On(topic, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"} {
			if !slices.ContainsFunc(of.Configs, func(c kadm.Config) bool { return c.Key == name && c.MaybeValue() == value }) {
				t.Errorf("%s: %s is not %s", topic, name, value)
			}
		}
	}
}

func TestPending(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	b, db := openBus(t, cluster.ListenAddrs(), "svc"), openDB(t)
	inTx(t, db, func(tx *sql.Tx) error {
		for _, e := range []Event{
			{ID: "1", Type: "A", Topic: "t", Key: "k", Data: 1}, {ID: "2", Type: "B", Topic: "other", Key: "k"},
			{ID: "3", Type: "C", Topic: "t", Key: "l", Data: map[string]int{"n": 2}},
		} {
			if err := b.Enqueue(testContext(t), tx, e); err != nil {
				return err
			}
		}
		events, err := outbox.Pending(testContext(t), tx, "t")
		if err != nil {
			return err
		}
		var got []string
		for _, e := range events {
			got = append(got, fmt.Sprintf("%s %s %s %s", e.ID, e.Type, e.Key, e.Data))
		}
		if want := []string{"1 A k 1", `3 C l {"n":2}`}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		return nil
	})
}
