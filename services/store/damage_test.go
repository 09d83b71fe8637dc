package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/store"
)

var notes = migrations("one", "CREATE TABLE notes (at INTEGER PRIMARY KEY, name TEXT); CREATE INDEX notes_name ON notes (name);")

// killed is a database as a kill leaves it: rows in the file, and more in its log,
// each in a commit of its own.
func killed(t *testing.T, rows, logged int) string {
	t.Helper()
	from, to := filepath.Join(t.TempDir(), "s.db"), filepath.Join(t.TempDir(), "s.db")
	db := open(t, from, notes)
	insert := func(n int) {
		if _, err := db.Exec("INSERT INTO notes (name) VALUES ($1)", fmt.Sprintf("%d %s", n, strings.Repeat("x", 500))); err != nil {
			t.Fatal(err)
		}
	}
	for n := range rows {
		insert(n)
	}
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	for n := range logged {
		insert(n)
	}
	for _, end := range []string{"", "-wal", "-shm", "-migrations.lock"} {
		text, err := os.ReadFile(from + end)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to+end, text)
	}
	return to
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// change rewrites a file.
func change(t *testing.T, path string, by func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, by(text))
}

// flip changes bytes from an offset on.
func flip(at, n int) func([]byte) []byte {
	return func(text []byte) []byte {
		for i := range n {
			text[at+i] ^= 0xff
		}
		return text
	}
}

// bytesOf are the files of a folder; a log's index is made anew by whoever reads it.
func bytesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "-shm") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(text)
	}
	return all
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*) FROM notes").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDamaged: a database that is not as it was written is named and left alone.
func TestDamaged(t *testing.T) {
	t.Parallel()
	const page = 4096
	for name, damage := range map[string]func(*testing.T, string){
		"NoDatabase": func(t *testing.T, path string) { write(t, path, []byte(strings.Repeat("no database at all\n", 500))) },
		"Empty":      func(t *testing.T, path string) { write(t, path, nil) },
		"EmptyWithoutLog": func(t *testing.T, path string) {
			write(t, path, nil)
			if err := errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm")); err != nil {
				t.Fatal(err)
			}
		},
		"Truncated": func(t *testing.T, path string) {
			change(t, path, func(b []byte) []byte { return b[:len(b)/2/page*page] })
		},
		"TruncatedInAPage": func(t *testing.T, path string) { change(t, path, func(b []byte) []byte { return b[:len(b)-page/2] }) },
		"Header":           func(t *testing.T, path string) { change(t, path, flip(0, 16)) },
		"Page":             func(t *testing.T, path string) { change(t, path, flip(20*page, 16)) },
		"PageOfZeros": func(t *testing.T, path string) {
			change(t, path, func(b []byte) []byte { clear(b[20*page : 21*page]); return b })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := killed(t, 300, 0)
			damage(t, path)
			before := bytesOf(t, filepath.Dir(path))
			_, err := store.Open(t.Context(), path, notes)
			var damaged *store.DamagedError
			if !errors.As(err, &damaged) || damaged.Path != path || damaged.What == "" || !strings.Contains(damaged.Hint(), path+".damaged") {
				t.Fatalf("got %v, want an error that names the file", err)
			}
			for name, text := range bytesOf(t, filepath.Dir(path)) {
				if text != before[name] {
					t.Errorf("%s was changed", name)
				}
			}
			// The hint is followed: the database begins anew.
			for _, end := range []string{"", "-wal", "-shm"} {
				if err := os.Rename(path+end, path+".damaged"+end); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			if n := count(t, open(t, path, notes)); n != 0 {
				t.Errorf("anew: got %d rows", n)
			}
		})
	}
}

// TestKilled: a kill alone is no damage, and nothing is lost by it.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func([]byte) []byte{
		"Whole":     func(b []byte) []byte { return b },
		"TornFrame": func(b []byte) []byte { return append(b, b[len(b)-4120:len(b)-2000]...) },
	} {
		path := killed(t, 10, 5)
		change(t, path+"-wal", cut)
		db := open(t, path, notes)
		if n, damage := count(t, db), store.Damage(db); n != 15 || len(damage) != 0 {
			t.Errorf("%s: got %d rows, %v", name, n, damage)
		}
	}
}

// TestLostCommits: a log that is damaged in its middle, or lacks what was committed,
// costs the commits from there on. They are named, and the log is kept.
func TestLostCommits(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"Flipped":   func(b []byte) []byte { return flip(len(b)/2, 4)(b) },
		"Truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"Last":      func(b []byte) []byte { return flip(len(b)-100, 4)(b) },
	} {
		path := killed(t, 10, 50)
		change(t, path+"-wal", damage)
		broken, err := os.ReadFile(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		db := open(t, path, notes)
		n, found := count(t, db), store.Damage(db)
		if n < 10 || n >= 60 || len(found) != 1 {
			t.Errorf("%s: got %d rows, %v; want those before the damage, and a report", name, n, found)
			continue
		}
		var lost *store.LostError
		if !errors.As(found[0], &lost) || lost.Path != path || lost.Pages == 0 || !strings.Contains(lost.Hint(), lost.Kept) {
			t.Fatalf("%s: got %v", name, found[0])
		}
		if kept, err := os.ReadFile(lost.Kept); err != nil || string(kept) != string(broken) {
			t.Errorf("%s: the log was not kept: %v", name, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if found := store.Damage(open(t, path, notes)); len(found) != 0 {
			t.Errorf("%s: reported again after a clean stop: %v", name, found)
		}
	}
}

// TestNewerSchema: what a newer program has migrated is refused, and not touched.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	for name, unclean := range map[string]bool{"Stopped": false, "Killed": true} {
		path := killed(t, 3, 3)
		if !unclean {
			if err := open(t, path, notes).Close(); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Exec("INSERT INTO migrations_one (version_id, is_applied) VALUES (7, 1)"); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(path)
		if unclean { // the copy has the log
			dir = t.TempDir()
			for name, text := range bytesOf(t, filepath.Dir(path)) {
				write(t, filepath.Join(dir, name), []byte(text))
			}
		}
		if err := raw.Close(); err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(dir, "s.db")
		before := bytesOf(t, dir)
		_, err = store.Open(t.Context(), path, migrations("other", "CREATE TABLE other (id INTEGER);"), notes)
		wantNewer(t, err, path)
		if after := bytesOf(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%s: files were changed", name)
		}
	}
}

func wantNewer(t *testing.T, err error, database string) {
	t.Helper()
	var newer *store.NewerSchemaError
	if !errors.As(err, &newer) || newer.Database != database || newer.Set != "one" || newer.Version != 7 || newer.Known != 1 ||
		newer.Hint() == "" {
		t.Errorf("got %v, want that version 7 of %s is refused", err, database)
	}
}
