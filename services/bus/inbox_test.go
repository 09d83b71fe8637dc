package bus

import (
	"database/sql"
	"os"
	"testing"

	"axion/services/bus/inbox"
	"axion/services/clustertest"
)

func TestMarkProcessed(t *testing.T) {
	t.Parallel()
	db := openDB(t)
	seen := func(id string) (was bool) {
		inTx(t, db, func(tx *sql.Tx) (err error) {
			was, err = inbox.MarkProcessed(t.Context(), tx, id)
			return err
		})
		return was
	}
	t.Run("OK", func(t *testing.T) {
		if first, second, other := seen("a"), seen("a"), seen("b"); first || !second || other {
			t.Errorf("got %v, %v, %v; want false, true, false", first, second, other)
		}
	})
	t.Run("OKRolledBack", func(t *testing.T) {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inbox.MarkProcessed(t.Context(), tx, "c"); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if seen("c") {
			t.Error("got true after a rollback, want false")
		}
	})
	t.Run("OKPruned", func(t *testing.T) {
		// As if that many ids had been recorded since.
		advance := `UPDATE sqlite_sequence SET seq = $1 WHERE name = 'inbox'`
		if os.Getenv(clustertest.DatabaseEnv) != "" {
			advance = `SELECT setval(pg_get_serial_sequence('inbox', 'seq'), $1)`
		}
		if _, err := db.ExecContext(t.Context(), advance, 2*inbox.Limit/inbox.PruneInterval*inbox.PruneInterval-1); err != nil {
			t.Fatal(err)
		}
		seen("new")
		if got := countRows(t, db, "inbox"); got != 1 {
			t.Errorf("got %d ids, want the new one only", got)
		}
	})
	t.Run("ErrNoID", func(t *testing.T) {
		if _, err := inbox.MarkProcessed(t.Context(), nil, ""); err == nil {
			t.Error("got no error")
		}
	})
}
