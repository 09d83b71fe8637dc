package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/fstest"

	"axion/services/store"
)

// squashed is a set whose tables are made at version 2, of which version 1 was a part.
var squashed = store.Migrations{Name: "one", FS: fstest.MapFS{
	"00002_both.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE a (id INTEGER); CREATE TABLE b (id INTEGER);")},
	"00003_third.sql": {Data: []byte("-- +goose Up\nCREATE TABLE c (id INTEGER);")},
}}

// upTo is what made the tables of [squashed], up to a version, before it was squashed.
func upTo(version int) store.Migrations {
	files := fstest.MapFS{"00001_first.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (id INTEGER);")}}
	if version == 2 {
		files["00002_second.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE b (id INTEGER);")}
	}
	return store.Migrations{Name: "one", FS: files}
}

// TestBaseline: a set begins at its first version, whether the database is new or at it.
func TestBaseline(t *testing.T) {
	t.Parallel()
	for name, before := range map[string][]store.Migrations{"New": nil, "AtBaseline": {upTo(2)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "s.db")
			if before != nil {
				if err := open(t, path, before...).Close(); err != nil {
					t.Fatal(err)
				}
			}
			wantTables(t, open(t, path, squashed))
		})
	}
}

func wantTables(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, table := range []string{"a", "b", "c"} {
		if _, err := db.Exec("INSERT INTO " + table + " VALUES (1)"); err != nil {
			t.Errorf("table %s: %v", table, err)
		}
	}
}

// TestOlderSchema: what was made before a set's first version is refused, and not touched.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "s.db")
	if err := open(t, path, upTo(1)).Close(); err != nil {
		t.Fatal(err)
	}
	before := bytesOf(t, dir)
	_, err := store.Open(t.Context(), path, migrations("other", "CREATE TABLE other (id INTEGER);"), squashed)
	wantOlder(t, err, path)
	if after := bytesOf(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("files were changed")
	}
}

func wantOlder(t *testing.T, err error, database string) {
	t.Helper()
	var older *store.OlderSchemaError
	if !errors.As(err, &older) || older.Database != database || older.Set != "one" || older.Version != 1 || older.Oldest != 2 ||
		older.Hint() == "" {
		t.Errorf("got %v, want that version 1 of %s is refused", err, database)
	}
}
