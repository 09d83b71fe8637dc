// Package outbox stores events in the transaction of the change that they are about, and
// publishes them after its commit.
package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"axion/services/bus/conn"
	"axion/services/bus/message"
	"axion/services/bus/tracing"
)

// Outbox is the outbox of a service's database. It is safe for concurrent use.
type Outbox struct {
	conn     *conn.Conn
	lock     func(context.Context) (unlock func(), err error) // nil: there are no other processes
	wake     chan struct{}
	relaying sync.Mutex
}

// New returns an outbox that publishes by a connection. It does so only while it holds
// lock, where other processes relay the same database; nil: there are none.
func New(c *conn.Conn, lock func(context.Context) (unlock func(), err error)) *Outbox {
	return &Outbox{conn: c, lock: lock, wake: make(chan struct{}, 1)}
}

// Enqueue stores an event in the caller's transaction, with the trace of ctx, for
// [Outbox.Relay] to publish after the commit. So the event is sent if, and only if, the
// change that it is about is committed. Call [Outbox.Wake] after the commit. Events of
// one key are published in the order in which they were stored.
func (o *Outbox) Enqueue(ctx context.Context, tx *sql.Tx, e message.Event) error {
	value, err := e.Complete()
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", e.Type, err)
	}
	ctx, span := o.conn.Tracer.StartSend(ctx, "enqueue", e.Type, "create")
	defer span.End()
	tracing.Describe(span, e.Topic, e.ID, message.KeyBytes(e.Key), len(value))
	headers := message.Headers(tracing.Inject(ctx, nil))
	_, err = tx.ExecContext(ctx, `INSERT INTO outbox (id, type, topic, key, time, data, traceparent, tracestate)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, e.Type, e.Topic, e.Key, e.Time.UTC().Format(time.RFC3339Nano), value,
		headers.Get(message.HeaderTraceparent), headers.Get(message.HeaderTracestate))
	if err != nil {
		err = fmt.Errorf("enqueue %s: %w", e.Type, err)
	}
	return tracing.RecordError(span, err)
}

// Pending lists the events in the outbox that are to be published on a topic, in
// the order in which they were stored. [Outbox.Relay] may have published the first
// ones of each key already. Their Data is a [json.RawMessage].
func Pending(ctx context.Context, tx *sql.Tx, topic string) (events []message.Event, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, type, key, time, data FROM outbox WHERE topic = $1 ORDER BY seq`, topic)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e := message.Event{Topic: topic}
		var at string
		var data []byte
		if err := rows.Scan(&e.ID, &e.Type, &e.Key, &at, &data); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		if e.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, fmt.Errorf("read outbox: event %s: %w", e.ID, err)
		}
		e.Data = json.RawMessage(data)
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return events, nil
}

// outboxRow is one stored event.
type outboxRow struct {
	seq    int64
	key    string
	at     time.Time // when it happened
	record *kgo.Record
}

// readOutbox reads the rows after seq, oldest first.
func (o *Outbox) readOutbox(ctx context.Context, db *sql.DB, after int64) ([]outboxRow, error) {
	found, err := db.QueryContext(ctx, `SELECT seq, id, type, topic, key, time, data, traceparent, tracestate
		FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2`, after, pageSize)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { _ = found.Close() }()
	var rows []outboxRow
	for found.Next() {
		var seq int64
		var e message.Event
		var at, parent, state string
		var value []byte
		if err := found.Scan(&seq, &e.ID, &e.Type, &e.Topic, &e.Key, &at, &value, &parent, &state); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		if e.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, fmt.Errorf("read outbox row %d: %w", seq, err)
		}
		r := o.conn.EventRecord(&e, value)
		if parent != "" {
			r.Headers = append(r.Headers, message.Header{Key: message.HeaderTraceparent, Value: []byte(parent)})
		}
		if state != "" {
			r.Headers = append(r.Headers, message.Header{Key: message.HeaderTracestate, Value: []byte(state)})
		}
		rows = append(rows, outboxRow{seq: seq, key: e.Key, at: e.Time, record: r})
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return rows, nil
}
