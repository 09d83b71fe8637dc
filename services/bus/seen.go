package bus

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// inboxKeep is how many ids are remembered: far more than are delivered
	// again after a crash, and about 30 MB.
	inboxKeep = 200_000
	// inboxPrune is how many new ids there are between two prunings.
	inboxPrune = 256
)

// MarkProcessed records an event's id in the caller's transaction and reports whether
// it was there already: then the event has had its effect, and the handler
// returns nil without repeating it. The latest 200,000 ids are remembered.
func MarkProcessed(ctx context.Context, tx *sql.Tx, id string) (bool, error) {
	if id == "" {
		return false, errors.New("record event: no id")
	}
	var seq int64
	err := tx.QueryRowContext(ctx,
		`INSERT INTO inbox (id, handled_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING seq`,
		id, time.Now().UTC().Format(time.RFC3339Nano)).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("record event %s: %w", id, err)
	}
	if seq%inboxPrune == 0 {
		if _, err := tx.ExecContext(ctx, `DELETE FROM inbox WHERE seq <= $1`, seq-inboxKeep); err != nil {
			return false, fmt.Errorf("prune inbox: %w", err)
		}
	}
	return false, nil
}
