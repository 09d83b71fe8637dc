package store_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"axion/services/store"
)

func migrations(name, sql string) store.Migrations {
	return store.Migrations{Name: name, FS: fstest.MapFS{
		"00001_init.sql": {Data: []byte("-- +goose Up\n" + sql)},
	}}
}

func open(t *testing.T, path string, sets ...store.Migrations) *sql.DB {
	t.Helper()
	db, err := store.Open(t.Context(), path, sets...)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOpen(t *testing.T) {
	t.Parallel()
	one := migrations("one", "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT UNIQUE);")
	two := migrations("two", "CREATE TABLE b (id INTEGER PRIMARY KEY);")

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "new", "with space?.db")
		db := open(t, path, one, two)
		if _, err := db.Exec("INSERT INTO a (name) VALUES ('x'); INSERT INTO b DEFAULT VALUES"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := open(t, path, one, two).QueryRow("SELECT count(*) FROM a").Scan(&n); err != nil || n != 1 {
			t.Fatalf("rows after reopening: got %d, %v, want 1", n, err)
		}
	})
	t.Run("Mode", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s.db")
		open(t, path, one)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("mode: got %o, want 600", got)
		}
	})
	t.Run("ErrMigration", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s.db")
		_, err := store.Open(t.Context(), path, migrations("bad", "CREATE NONSENSE;"))
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "migrations bad") {
			t.Errorf("got %v, want an error that names the file and the set", err)
		}
	})
}

func TestTx(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "s.db"), migrations("one", "CREATE TABLE a (name TEXT UNIQUE);"))
	insert := func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO a VALUES ('x')")
		return err
	}
	count := func() (n int) {
		if err := db.QueryRow("SELECT count(*) FROM a").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}

	stop := errors.New("stop")
	err := store.Tx(t.Context(), db, func(tx *sql.Tx) error { return errors.Join(insert(tx), stop) })
	if !errors.Is(err, stop) || count() != 0 {
		t.Errorf("failed transaction: got %v and %d rows, want the error and none", err, count())
	}
	if err := store.Tx(t.Context(), db, insert); err != nil || count() != 1 {
		t.Errorf("transaction: got %v and %d rows, want one", err, count())
	}
	if err := store.Tx(t.Context(), db, insert); !store.IsDuplicate(err) {
		t.Errorf("IsDuplicate(%v): got false, want true", err)
	}
	if store.IsDuplicate(stop) {
		t.Error("IsDuplicate of another error: got true, want false")
	}
}
