// Package inbox records the messages that a service has processed, in the service's own
// database, so that each has its effect once.
package inbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// Limit is how many ids are stored: far more than are delivered again after a
	// crash, and about 30 MB.
	Limit = 200_000
	// PruneInterval is how many new ids there are between two deletions of old ones.
	PruneInterval = 256
)

// MarkProcessed records an event's id in the caller's transaction and reports whether
// it was there already: then the event has had its effect, and the handler
// returns nil without repeating it. The latest [Limit] ids are stored.
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
	if seq%PruneInterval == 0 {
		if _, err := tx.ExecContext(ctx, `DELETE FROM inbox WHERE seq <= $1`, seq-Limit); err != nil {
			return false, fmt.Errorf("prune inbox: %w", err)
		}
	}
	return false, nil
}
