package bus

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Enqueue stores an event in the caller's transaction, with the trace of ctx,
// for [Bus.Relay] to publish after the commit. So the event is sent if, and
// only if, the change it tells of is kept. Call [Bus.WakeRelay] after the commit.
// Events of one key are published in the order in which they were stored.
func (b *Bus) Enqueue(ctx context.Context, tx *sql.Tx, e Event) error {
	value, err := e.complete()
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", e.Type, err)
	}
	ctx, span := b.startSend(ctx, "enqueue", e.Type, "create")
	defer span.End()
	describe(span, e.Topic, e.ID, keyBytes(e.Key), len(value))
	headers := Headers(inject(ctx, nil))
	_, err = tx.ExecContext(ctx, `INSERT INTO outbox (id, type, topic, key, time, data, traceparent, tracestate)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, e.Type, e.Topic, e.Key, e.Time.UTC().Format(time.RFC3339Nano), value,
		headers.Get(headerTraceparent), headers.Get(headerTracestate))
	if err != nil {
		err = fmt.Errorf("enqueue %s: %w", e.Type, err)
	}
	return note(span, err)
}

// row is one stored event.
type row struct {
	seq    int64
	key    string
	at     time.Time // when it happened
	record *kgo.Record
}

// page reads the rows after seq, oldest first.
func (b *Bus) page(ctx context.Context, db *sql.DB, after int64) ([]row, error) {
	found, err := db.QueryContext(ctx, `SELECT seq, id, type, topic, key, time, data, traceparent, tracestate
		FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2`, after, pageSize)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { _ = found.Close() }()
	var rows []row
	for found.Next() {
		var seq int64
		var e Event
		var at, parent, state string
		var value []byte
		if err := found.Scan(&seq, &e.ID, &e.Type, &e.Topic, &e.Key, &at, &value, &parent, &state); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		if e.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, fmt.Errorf("read outbox row %d: %w", seq, err)
		}
		r := b.eventRecord(context.Background(), &e, value)
		if parent != "" {
			r.Headers = append(r.Headers, Header{Key: headerTraceparent, Value: []byte(parent)})
		}
		if state != "" {
			r.Headers = append(r.Headers, Header{Key: headerTracestate, Value: []byte(state)})
		}
		rows = append(rows, row{seq: seq, key: e.Key, at: e.Time, record: r})
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return rows, nil
}
