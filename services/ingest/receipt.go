package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"axion/services/contract"
	"axion/services/store"
)

const (
	// receiptTime is how long an event that is sent again is recognised.
	receiptTime = 24 * time.Hour
	// maxReceipts bounds how many events are; the oldest are forgotten first.
	maxReceipts = 100_000
)

// Receipt says where an event is.
type Receipt struct {
	ID        string `json:"id" doc:"The event's id."`
	Source    string `json:"source" doc:"The event's source."`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Status and Error are set where an event of a request was not acknowledged and
	// others were.
	Status int    `json:"status,omitempty" doc:"503 for an event that was not acknowledged; absent for others."`
	Error  string `json:"error,omitempty" doc:"Why it was not."`
}

// receipts remembers where the recent events are.
type receipts struct {
	db  *sql.DB
	now func() time.Time
}

// find returns the receipt of an event that was published before.
func (r *receipts) find(ctx context.Context, id identity) (Receipt, bool, error) {
	found := Receipt{ID: id.id, Source: id.source}
	err := r.db.QueryRowContext(ctx, `SELECT topic, partition, position FROM receipts
		WHERE source = $1 AND id = $2 AND at > $3`, id.source, id.id, r.now().Add(-receiptTime).UnixMilli()).
		Scan(&found.Topic, &found.Partition, &found.Offset)
	if errors.Is(err, sql.ErrNoRows) {
		return Receipt{}, false, nil
	}
	if err != nil {
		return Receipt{}, false, fmt.Errorf("find receipt: %w", err)
	}
	return found, true, nil
}

// keep stores the receipts and forgets those that are too old or too many.
func (r *receipts) keep(ctx context.Context, fresh []Receipt) error {
	now := r.now()
	err := store.Tx(ctx, r.db, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO receipts (source, id, topic, partition, position, at)
			VALUES ($1, $2, $3, $4, $5, $6)`)
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }()
		if _, err := tx.ExecContext(ctx, `DELETE FROM receipts WHERE at <= $1`, now.Add(-receiptTime).UnixMilli()); err != nil {
			return err
		}
		for _, f := range fresh {
			if _, err := insert.ExecContext(ctx, f.Source, f.ID, f.Topic, f.Partition, f.Offset, now.UnixMilli()); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM receipts WHERE seq <= (SELECT max(seq) FROM receipts) - $1`, maxReceipts)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep receipts: %w", err)
	}
	return nil
}

// receipt is that of an event on the only topic there is.
func receipt(id identity, partition int32, offset int64) Receipt {
	return Receipt{ID: id.id, Source: id.source, Topic: contract.EventsTopic, Partition: partition, Offset: offset}
}
