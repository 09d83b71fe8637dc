package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
)

func openNotes(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := Open(t.Context(), path, Migrations{Name: "notes", FS: fstest.MapFS{
		"00001_init.sql": {Data: []byte("-- +goose Up\nCREATE TABLE notes (id INTEGER PRIMARY KEY, name TEXT UNIQUE);")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// writerOf looks at the connection that writes.
func writerOf(t *testing.T, db *sql.DB, look func(*fileConn)) {
	t.Helper()
	conn, err := db.Driver().(*file).writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Raw(func(c any) error { look(c.(*fileConn)); return nil }); err != nil {
		t.Fatal(err)
	}
}

func insert(ctx context.Context, tx *sql.Tx, name string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO notes (name) VALUES ($1)`, name)
	return err
}

func names(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM notes`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStatementKept has the same statement prepared once, in transactions and outside
// of them, and again only once it was forgotten for others.
func TestStatementKept(t *testing.T) {
	t.Parallel()
	db := openNotes(t, filepath.Join(t.TempDir(), "s.db"))
	const text = `INSERT INTO notes (name) VALUES ($1)`
	var first any
	for i := range 4 {
		err := Tx(t.Context(), db, func(tx *sql.Tx) error { return insert(t.Context(), tx, fmt.Sprint("in ", i)) })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), text, fmt.Sprint("out ", i)); err != nil {
			t.Fatal(err)
		}
		writerOf(t, db, func(c *fileConn) {
			e := c.cached[text]
			if e == nil || first != nil && first != e.Value {
				t.Errorf("round %d: the statement was prepared again", i)
				return
			}
			first = e.Value
		})
	}
	for i := range 2 * maxCachedStatements {
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf(`UPDATE notes SET name = 'x' WHERE id = -%d`, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	writerOf(t, db, func(c *fileConn) {
		if len(c.cached) != maxCachedStatements || c.order.Len() != maxCachedStatements || c.cached[text] != nil {
			t.Errorf("got %d and %d statements, want the latest %d", len(c.cached), c.order.Len(), maxCachedStatements)
		}
	})
	if _, err := db.ExecContext(t.Context(), text, "after"); err != nil || names(t, db) != 9 {
		t.Errorf("after it was forgotten: got %v and %d rows, want 9", err, names(t, db))
	}
}

// TestStatementBusy runs a statement while its own rows are being read, and after they
// were left half read.
func TestStatementBusy(t *testing.T) {
	t.Parallel()
	db := openNotes(t, filepath.Join(t.TempDir(), "s.db"))
	const text = `SELECT id FROM notes WHERE id > $1 ORDER BY id`
	var outer, inner []int64
	err := Tx(t.Context(), db, func(tx *sql.Tx) error {
		for i := range 3 {
			if err := insert(t.Context(), tx, fmt.Sprint(i)); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(t.Context(), text, 0)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id, next int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			outer = append(outer, id)
			if err := tx.QueryRowContext(t.Context(), text, id).Scan(&next); err == nil {
				inner = append(inner, next)
			}
		}
		return rows.Err()
	})
	if got, want := fmt.Sprint(outer, inner), "[1 2 3] [2 3]"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// TestStatementCancelled ends contexts at every stage of a transaction: nothing of it is
// kept, and the next one has its turn.
func TestStatementCancelled(t *testing.T) {
	t.Parallel()
	db := openNotes(t, filepath.Join(t.TempDir(), "s.db"))
	for _, stage := range []string{"before", "inside", "between"} {
		ctx, cancel := context.WithCancel(t.Context())
		if stage == "before" {
			cancel()
		}
		err := Tx(ctx, db, func(tx *sql.Tx) error {
			if err := insert(ctx, tx, stage); err != nil {
				return err
			}
			cancel()
			if stage == "between" {
				return nil // database/sql refuses to commit
			}
			return insert(ctx, tx, "late")
		})
		cancel()
		if err == nil {
			t.Errorf("%s: got no error", stage)
		}
		if n := names(t, db); n != 0 {
			t.Errorf("%s: got %d rows, want none", stage, n)
		}
	}
	if err := Tx(t.Context(), db, func(tx *sql.Tx) error { return insert(t.Context(), tx, "next") }); err != nil || names(t, db) != 1 {
		t.Errorf("the next transaction: got %v and %d rows", err, names(t, db))
	}
}

// TestStatementForeign waits for a process that knows of no turns.
func TestStatementForeign(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	db := openNotes(t, path)
	foreign, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = foreign.Close() }()
	held, err := foreign.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(t.Context(), held, "theirs"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() {
		ended <- Tx(t.Context(), db, func(tx *sql.Tx) error { return insert(t.Context(), tx, "ours") })
	}()
	go func() {
		_, err := db.ExecContext(t.Context(), `INSERT INTO notes (name) VALUES ('alone')`)
		ended <- err
	}()
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := Tx(short, db, func(*sql.Tx) error { return nil }); err == nil {
		t.Error("a transaction began beside another process's")
	}
	if err := held.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if n := names(t, db); n != 3 {
		t.Errorf("got %d rows, want 3", n)
	}
}
