package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// TestCheckedBehind: a check that takes long goes on behind the start, what it finds
// is reported, and its end leaves a clean stop.
func TestCheckedBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sets := []Migrations{{Name: "one", FS: fstest.MapFS{"00001_init.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (b BLOB);")}}}}
	path := filepath.Join(dir, "s.db")
	db, err := Open(t.Context(), path, sets...)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := db.Exec("INSERT INTO a VALUES (randomblob(3000))"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []bool{false, true} {
		if damaged {
			clear(text[100*4096 : 101*4096])
		}
		if err := errors.Join(os.WriteFile(path, text, 0o600), os.WriteFile(path+"-wal", nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		f := &file{path: path, use: fileUseOf(path), checkTimeout: 1}
		if err := f.inspect(t.Context(), sets); err != nil {
			t.Fatal(err)
		}
		db, err := f.connect()
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
		WaitChecked(t.Context(), db)
		found := Damage(db)
		if (len(found) == 1) != damaged {
			t.Errorf("damaged %t: got %v", damaged, found)
		}
		if err := Storage(t.Context(), db); (err != nil) != damaged {
			t.Errorf("damaged %t: got %v", damaged, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the stop was not clean: %v", err)
		}
	}
}
