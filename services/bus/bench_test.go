package bus

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"axion/services/bus/inbox"
)

// BenchmarkOutbox measures events from the commit to their handler, many keys
// at once.
func BenchmarkOutbox(b *testing.B) {
	brokers := startCluster(b).ListenAddrs()
	quiet := func(o *Options) { o.Log = slog.New(slog.DiscardHandler) }
	svc, db := openBus(b, brokers, "svc", quiet), openDB(b)
	var handled atomic.Int64
	svc.Handle("T", func(context.Context, *Message) (any, error) { handled.Add(1); return nil, nil })
	runBus(b, svc)
	relay(b, svc, db)
	n := int64(0)
	for b.Loop() {
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := svc.Enqueue(context.Background(), tx, Event{Type: "T", Topic: "axion.svc", Data: n}); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		svc.WakeRelay()
		n++
	}
	eventually(b, "all handled", func() bool { return handled.Load() >= n })
}

// BenchmarkOutboxLatency commits 2,000 events a second, and measures each from its commit
// until its effect is committed by who consumed it; there must be one effect of each.
func BenchmarkOutboxLatency(b *testing.B) {
	brokers := startCluster(b).ListenAddrs()
	quiet := func(o *Options) { o.Log = slog.New(slog.DiscardHandler) }
	svc, db, effects := openBus(b, brokers, "svc", quiet), openDB(b), openDB(b)
	if _, err := effects.Exec(`CREATE TABLE effects (event TEXT NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	took := make(chan time.Duration, 1<<16)
	svc.Handle("T", func(ctx context.Context, m *Message) (any, error) {
		var committed int64
		if err := m.Decode(&committed); err != nil {
			return nil, err
		}
		err := effect(ctx, effects, m.ID)
		took <- time.Duration(time.Now().UnixNano() - committed)
		return nil, err
	})
	runBus(b, svc)
	relay(b, svc, db)
	n, began := 0, time.Now()
	for b.Loop() {
		if early := time.Until(began.Add(time.Duration(n) * time.Second / 2000)); early > 0 {
			<-time.After(early)
		}
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := svc.Enqueue(context.Background(), tx, Event{Type: "T", Topic: "axion.svc", Data: time.Now().UnixNano()}); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		svc.WakeRelay()
		n++
	}
	rate := float64(n) / time.Since(began).Seconds()
	var all []time.Duration
	for range n {
		all = append(all, receive(b, took, "event"))
	}
	var had, different int
	if err := effects.QueryRow(`SELECT count(*), count(DISTINCT event) FROM effects`).Scan(&had, &different); err != nil {
		b.Fatal(err)
	}
	if had != n || different != n {
		b.Errorf("%d effects of %d events, want one of each of %d", had, different, n)
	}
	slices.Sort(all)
	b.ReportMetric(rate, "events/s")
	b.ReportMetric(float64(all[n/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[n*99/100].Microseconds())/1000, "p99-ms")
}

// effect carries an event out once.
func effect(ctx context.Context, db *sql.DB, id string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if seen, err := inbox.MarkProcessed(ctx, tx, id); err != nil || seen {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO effects (event) VALUES ($1)`, id); err != nil {
		return err
	}
	return tx.Commit()
}
