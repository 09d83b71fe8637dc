package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"axion/services/bus"
	"axion/services/bus/topics"
	"axion/services/contract"
	"axion/services/store"
)

const (
	// receiptTime is how long an event that is sent again is recognised.
	receiptTime = 24 * time.Hour
	// maxReceipts bounds how many events are; the oldest are forgotten first.
	maxReceipts = 100_000
)

// receipts stores where the recent events are, for all instances. An event is claimed
// before it is published, which one instance alone can.
type receipts struct {
	db  *sql.DB
	now func() time.Time
}

// claimed is what came of a claim: ours are the caller's to publish, known have been
// published before and have their receipt set, held are others', by their names.
type claimed struct {
	ours, known []*pendingEvent
	held        map[string][]*pendingEvent
}

// claim claims for owner the events that have no claim, which come behind after in the
// topic once they are published.
func (r *receipts) claim(ctx context.Context, owner string, after bus.Offsets, events []*pendingEvent) (c claimed, err error) {
	c.held = map[string][]*pendingEvent{}
	now, text := r.now(), after.String()
	err = store.Tx(ctx, r.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM receipts WHERE at <= $1`, now.Add(-receiptTime).UnixMilli()); err != nil {
			return err
		}
		for _, f := range events {
			known, holder := receipt(f.identity, 0, 0), ""
			err := tx.QueryRowContext(ctx, `SELECT topic, partition, position, owner FROM receipts WHERE source = $1 AND id = $2`,
				f.identity.source, f.identity.id).Scan(&known.Topic, &known.Partition, &known.Offset, &holder)
			switch {
			case errors.Is(err, sql.ErrNoRows):
				c.ours = append(c.ours, f)
				_, err = tx.ExecContext(ctx, `INSERT INTO receipts (source, id, topic, partition, position, at, owner, after)
					VALUES ($1, $2, $3, -1, -1, $4, $5, $6)`, f.identity.source, f.identity.id, contract.EventsTopic, now.UnixMilli(), owner, text)
			case err == nil && holder == "":
				f.receipt = known
				c.known = append(c.known, f)
			case err == nil:
				c.held[holder] = append(c.held[holder], f)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return claimed{}, fmt.Errorf("claim events: %w", err)
	}
	return c, nil
}

// complete makes receipts of an owner's claims, drops those that were not published,
// and forgets receipts where there are too many.
func (r *receipts) complete(ctx context.Context, owner string, published []Receipt, dropped []identity) error {
	err := store.Tx(ctx, r.db, func(tx *sql.Tx) error {
		for _, p := range published {
			if _, err := tx.ExecContext(ctx, `UPDATE receipts SET partition = $1, position = $2, owner = '', after = ''
				WHERE source = $3 AND id = $4 AND owner = $5`, p.Partition, p.Offset, p.Source, p.ID, owner); err != nil {
				return err
			}
		}
		for _, id := range dropped {
			if _, err := tx.ExecContext(ctx, `DELETE FROM receipts WHERE source = $1 AND id = $2 AND owner = $3`, id.source, id.id,
				owner); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM receipts WHERE owner = '' AND seq <= (SELECT max(seq) FROM receipts) - $1`, maxReceipts)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep receipts: %w", err)
	}
	return nil
}

// claims are what an owner has claimed, and a place in the topic that all of it is
// behind.
func (r *receipts) claims(ctx context.Context, owner string) (ids []identity, after bus.Offsets, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT source, id, after FROM receipts WHERE owner = $1`, owner)
	if err != nil {
		return nil, nil, fmt.Errorf("find claims: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id identity
		var text string
		if err := rows.Scan(&id.source, &id.id, &text); err != nil {
			return nil, nil, fmt.Errorf("find claims: %w", err)
		}
		place, err := topics.ParseOffsets(text)
		if err != nil {
			return nil, nil, fmt.Errorf("find claims: %w", err)
		}
		if len(ids) > 0 {
			place = place.Before(after)
		}
		ids, after = append(ids, id), place
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("find claims: %w", err)
	}
	return ids, after, nil
}

// owners returns those that have claims.
func (r *receipts) owners(ctx context.Context) (owners []string, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT DISTINCT owner FROM receipts WHERE owner <> ''`)
	if err != nil {
		return nil, fmt.Errorf("find claims: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var owner string
		if err := rows.Scan(&owner); err != nil {
			return nil, fmt.Errorf("find claims: %w", err)
		}
		owners = append(owners, owner)
	}
	return owners, rows.Err()
}
