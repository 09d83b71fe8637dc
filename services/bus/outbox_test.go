package bus

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/tracing"
	"axion/services/clustertest"
	"axion/services/store"
)

// openDB makes a database with the bus's tables.
func openDB(tb testing.TB) *sql.DB {
	tb.Helper()
	url, file := clustertest.Database(tb), filepath.Join(tb.TempDir(), "test.db")
	return reopenDB(tb, url, file)
}

// reopenDB opens one as another process would.
func reopenDB(tb testing.TB, url, file string) *sql.DB {
	tb.Helper()
	var db *sql.DB
	var err error
	set := store.Migrations{Name: "bus", FS: Migrations()}
	if url != "" {
		db, err = store.Connect(testContext(tb), url, "svc", set)
	} else {
		db, err = store.Open(testContext(tb), file, set)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// inTx commits what fn does.
func inTx(tb testing.TB, db *sql.DB, fn func(*sql.Tx) error) {
	tb.Helper()
	tx, err := db.BeginTx(testContext(tb), nil)
	if err != nil {
		tb.Fatal(err)
	}
	if err := fn(tx); err != nil {
		tb.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		tb.Fatal(err)
	}
}

func countRows(tb testing.TB, db *sql.DB, table string) int {
	tb.Helper()
	var n int
	if err := db.QueryRowContext(testContext(tb), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// relay runs until the test ends.
func relay(tb testing.TB, b *Bus, db *sql.DB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Relay(ctx, db) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("relay: %v", err)
		}
	})
}

func TestEnqueue(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b, db := openBus(t, brokers, "graph-service"), openDB(t)
	makeTopics(t, b, "axion.events")
	relay(t, b, db)
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.events"))
	t.Run("OK", func(t *testing.T) {
		ctx, span := b.conn.Tracer.Start(testContext(t), "", "test", 0)
		defer span.End()
		inTx(t, db, func(tx *sql.Tx) error {
			return b.Enqueue(ctx, tx, Event{Type: "X", Topic: "axion.events", Key: "p1", Data: question{"q"}})
		})
		b.WakeRelay()
		r := readRecord(t, peer)
		h := Headers(r.Headers)
		if got, want := string(r.Key)+string(r.Value), `p1{"text":"q"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := headerKeys(r), "ce_specversion ce_id ce_type ce_source ce_time content-type traceparent "; got != want {
			t.Errorf("headers: got %s, want %s", got, want)
		}
		if got, want := h.Get("traceparent"), Headers(tracing.Inject(ctx, nil)).Get("traceparent"); got != want {
			t.Errorf("traceparent: got %s, want the one at Enqueue, %s", got, want)
		}
		eventually(t, "outbox empty", func() bool { return countRows(t, db, "outbox") == 0 })
	})
	t.Run("OKRolledBack", func(t *testing.T) {
		tx, err := db.BeginTx(testContext(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Enqueue(testContext(t), tx, Event{ID: "never", Type: "X", Topic: "axion.events"}); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		inTx(t, db, func(tx *sql.Tx) error {
			return b.Enqueue(testContext(t), tx, Event{ID: "next", Type: "X", Topic: "axion.events"})
		})
		b.WakeRelay()
		if got := Headers(readRecord(t, peer).Headers).Get("ce_id"); got != "next" {
			t.Errorf("got %s, want next", got)
		}
	})
}

func TestEnqueueRefuses(t *testing.T) {
	t.Parallel()
	b := openBus(t, startCluster(t).ListenAddrs(), "svc")
	for _, tt := range []struct {
		name  string
		event Event
		want  error
	}{
		{"ErrTopic", Event{Type: "X", Topic: "no such name"}, nil},
		{"ErrNoType", Event{Topic: "axion.events"}, nil},
		{"ErrTooLarge", Event{Type: "X", Topic: "axion.events", Data: make([]byte, MaxMessage)}, ErrTooLarge},
		{"ErrData", Event{Type: "X", Topic: "axion.events", Data: make(chan int)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := b.Enqueue(testContext(t), nil, tt.event); err == nil || !errors.Is(err, tt.want) && tt.want != nil {
				t.Errorf("got %v, want an error (%v)", err, tt.want)
			}
		})
	}
}

// TestRelay fills the outbox while the broker is away: when it is back, every
// event arrives, in the order of its key.
func TestRelay(t *testing.T) {
	t.Parallel()
	cluster := clustertest.NewServer(t)
	brokers := cluster.ListenAddrs()
	b, db := openBus(t, brokers, "svc"), openDB(t)
	makeTopics(t, b, "axion.events")
	cluster.Stop()
	const events = 1000
	inTx(t, db, func(tx *sql.Tx) error {
		for i := range events {
			e := Event{ID: strconv.Itoa(i), Type: "X", Topic: "axion.events", Key: fmt.Sprint("key", i%7)}
			if err := b.Enqueue(testContext(t), tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	relay(t, b, db)
	b.WakeRelay()
	cluster.Start()
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.events"))
	next := make(map[string]int)
	for i := range 7 {
		next[fmt.Sprint("key", i)] = i
	}
	for range events {
		r := readRecord(t, peer)
		i, err := strconv.Atoi(Headers(r.Headers).Get("ce_id"))
		if err != nil {
			t.Fatal(err)
		}
		key := string(r.Key)
		if i != next[key] {
			t.Errorf("%s: got event %d, want %d", key, i, next[key])
		}
		next[key] = i + 7
	}
	eventually(t, "outbox empty", func() bool { return countRows(t, db, "outbox") == 0 })
}

// TestRelayHolds lets the broker refuse one event for good: those after it
// with its key wait, all others pass.
func TestRelayHolds(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	b, db := openBus(t, brokers, "svc"), openDB(t)
	makeTopics(t, b, "axion.events")
	inTx(t, db, func(tx *sql.Tx) error {
		for _, e := range []Event{
			{ID: "1", Type: "X", Topic: "not.there", Key: "a"},
			{ID: "2", Type: "X", Topic: "axion.events", Key: "a"},
			{ID: "3", Type: "X", Topic: "axion.events", Key: "b"},
			{ID: "4", Type: "X", Topic: "axion.events"},
		} {
			if err := b.Enqueue(testContext(t), tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err := b.outbox.Drain(testContext(t), db); err == nil || !strings.Contains(err.Error(), "publish X on not.there") {
		t.Errorf("got %v, want the refusal", err)
	}
	var first, last string
	err := db.QueryRowContext(testContext(t), `SELECT min(id), max(id) FROM outbox`).Scan(&first, &last)
	if err != nil || first != "1" || last != "2" {
		t.Errorf("got events %s to %s left, %v; want 1 and 2", first, last, err)
	}
	makeTopics(t, b, "not.there")
	relay(t, b, db)
	eventually(t, "outbox empty", func() bool { return countRows(t, db, "outbox") == 0 })
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.events"))
	ids := make(map[string]bool)
	for range 3 {
		ids[Headers(readRecord(t, peer).Headers).Get("ce_id")] = true
	}
	if !ids["2"] || !ids["3"] || !ids["4"] {
		t.Errorf("got %v, want 2, 3 and 4", ids)
	}
}

// TestRelayShared has two processes relay one outbox, into which both put events
// of the same keys: their order is kept, and none is sent twice.
func TestRelayShared(t *testing.T) {
	t.Parallel()
	brokers := startCluster(t).ListenAddrs()
	url, file := clustertest.Database(t), filepath.Join(t.TempDir(), "test.db")
	const each, keys = 200, 5
	instances := make([]*Bus, 2)
	handles := make([]*sql.DB, 2)
	for i := range instances {
		db := reopenDB(t, url, file)
		handles[i] = db
		instances[i] = openBus(t, brokers, "svc", func(o *Options) {
			o.RelayLock = func(ctx context.Context) (func(), error) { return store.Lock(ctx, db, "relay") }
		})
	}
	makeTopics(t, instances[0], "axion.events")
	done := make(chan error, 2)
	var mu sync.Mutex
	next := 0
	for i, b := range instances {
		relay(t, b, handles[i])
		go func() {
			for range each {
				// The number is in the order of the commits.
				mu.Lock()
				err := store.Tx(testContext(t), handles[i], func(tx *sql.Tx) error {
					return b.Enqueue(testContext(t), tx, Event{ID: strconv.Itoa(next), Type: "X", Topic: "axion.events", Key: strconv.Itoa(next % keys)})
				})
				next++
				mu.Unlock()
				b.WakeRelay()
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range instances {
		if err := receive(t, done, "end of the events"); err != nil {
			t.Fatal(err)
		}
	}
	peer := plainClient(t, brokers, kgo.ConsumeTopics("axion.events"))
	last := make(map[string]int)
	for range 2 * each {
		r := readRecord(t, peer)
		n, err := strconv.Atoi(Headers(r.Headers).Get("ce_id"))
		if err != nil {
			t.Fatal(err)
		}
		key := string(r.Key)
		if before, ok := last[key]; ok && n != before+keys {
			t.Errorf("key %s: got event %d after %d", key, n, before)
		}
		last[key] = n
	}
	// What a process left behind that died after the commit is another's to send.
	inTx(t, handles[0], func(tx *sql.Tx) error {
		return instances[0].Enqueue(testContext(t), tx, Event{ID: "left", Type: "X", Topic: "axion.events"})
	})
	if got := Headers(readRecord(t, peer).Headers).Get("ce_id"); got != "left" {
		t.Errorf("got %s, want what was left", got)
	}
}
