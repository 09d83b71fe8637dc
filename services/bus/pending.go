package bus

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Pending lists the events in the outbox that are on their way to a topic, in
// the order in which they were stored. [Bus.Relay] may have published the first
// ones of each key already. Their Data is a [json.RawMessage].
func Pending(ctx context.Context, tx *sql.Tx, topic string) (events []Event, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, type, key, time, data FROM outbox WHERE topic = $1 ORDER BY seq`, topic)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e := Event{Topic: topic}
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
