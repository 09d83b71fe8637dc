package readmodel

import (
	"context"
	"database/sql"
	"fmt"
)

// Clear empties the read model. Projects come first: in PostgreSQL their rows
// block those who would change them, and the rest of one that is made meanwhile
// stays with it.
func Clear(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range []string{
		`DELETE FROM projects`,
		`DELETE FROM deployments WHERE project_id NOT IN (SELECT id FROM projects)`,
		`DELETE FROM graphs WHERE project_id NOT IN (SELECT id FROM projects)`,
		`DELETE FROM events WHERE project_id NOT IN (SELECT id FROM projects)`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("clear read model: %w", err)
		}
	}
	return nil
}

// Count returns how many rows a table of the read model has.
func Count(ctx context.Context, tx *sql.Tx, table string) (n int, err error) {
	if err = tx.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	return n, nil
}
