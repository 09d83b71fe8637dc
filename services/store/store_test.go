package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

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

func TestParameters(t *testing.T) {
	t.Parallel()
	testParameters(t, open(t, filepath.Join(t.TempDir(), "s.db")))
}

// testParameters has them in any order, repeated, and of two digits, on both kinds of
// database.
func testParameters(t *testing.T, db *sql.DB) {
	t.Helper()
	args := []any{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	var query []string
	for _, n := range []int{12, 1, 11, 2, 10, 3, 9, 4, 8, 5, 7, 6, 1, 12} {
		query = append(query, fmt.Sprintf("CAST($%d AS TEXT)", n))
	}
	var got string
	err := db.QueryRow("SELECT '?' || "+strings.Join(query, " || "), args...).Scan(&got)
	if want := "?lakbjcidhegfal"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestTx(t *testing.T) {
	t.Parallel()
	testTx(t, open(t, filepath.Join(t.TempDir(), "s.db"), migrations("one", "CREATE TABLE notes (at INTEGER NOT NULL, name TEXT UNIQUE);")))
}

// testTx is the same on both kinds of database.
func testTx(t *testing.T, db *sql.DB) {
	insert := func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO notes (at, name) VALUES ($1, $2)", 1, "x")
		return err
	}
	count := func() (n int) {
		if err := db.QueryRow("SELECT count(*) FROM notes").Scan(&n); err != nil {
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

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	testLock(t, open(t, path), open(t, path))
	testTryLock(t, open(t, path), open(t, path))
}

// testLock takes one lock by two handles of a database, as two processes would.
func testLock(t *testing.T, first, second *sql.DB) {
	unlock, err := store.Lock(t.Context(), first, "x")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Lock(ended, second, "x"); err == nil {
		t.Fatal("a lock was taken twice")
	}
	other, err := store.Lock(t.Context(), second, "y")
	if err != nil {
		t.Fatal(err)
	}
	other()
	taken := make(chan func(), 1)
	go func() {
		unlock, err := store.Lock(context.Background(), second, "x")
		if err != nil {
			t.Error(err)
		}
		taken <- unlock
	}()
	select {
	case <-taken:
		t.Fatal("a lock was taken twice")
	case <-time.After(20 * time.Millisecond):
	}
	unlock()
	(<-taken)()
}

// testTryLock has two handles of a database want one lock.
func testTryLock(t *testing.T, handles ...*sql.DB) {
	t.Helper()
	try := func(i int, name string) *store.Hold {
		t.Helper()
		hold, err := store.TryLock(t.Context(), handles[i], name)
		if err != nil {
			t.Fatal(err)
		}
		return hold
	}
	first := try(0, "a")
	if first == nil || first.Check(t.Context()) != nil {
		t.Fatal("a free lock was not taken")
	}
	if try(0, "a") != nil || try(1, "a") != nil {
		t.Error("a lock was taken twice")
	}
	other := try(1, "b")
	if other == nil {
		t.Fatal("another lock was not taken")
	}
	first.Unlock()
	again := try(1, "a")
	if again == nil {
		t.Fatal("a lock that was given up was not taken")
	}
	again.Unlock()
	other.Unlock()
}

// TestStorageTogether: questions at the same time, as by two requests for /ready, are
// not in each other's way.
func TestStorageTogether(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "s.db"), notes)
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 50 {
				if err := store.Storage(t.Context(), db); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	asking.Wait()
}
