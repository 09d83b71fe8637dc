package deployment

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
)

// Levels of a [LogLine].
const (
	levelInfo  = "info"
	levelWarn  = "warn"
	levelError = "error"
)

// line is one line of a deployment's log. No step means the deployment as a
// whole, no level info.
type line struct{ step, level, message string }

// appendLog adds a line to a deployment's log. The sequence is the number of lines, which
// are few: a deployment has few steps.
func appendLog(ctx context.Context, tx *sql.Tx, id string, l line) error {
	if id == "" {
		return nil // of no deployment
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO logs (deployment_id, seq, step, level, time, message)
		VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM logs WHERE deployment_id = $1), $2, $3, $4, $5)`,
		id, l.step, cmp.Or(l.level, levelInfo), now(), l.message)
	if err != nil {
		return fmt.Errorf("log of deployment: %w", err)
	}
	return nil
}
