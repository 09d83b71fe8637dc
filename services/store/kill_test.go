package store

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// killedVariable has the test's process write to the file that it names, until it is
// killed.
const killedVariable = "AXION_TEST_STORE"

// TestKill kills a process that writes: all that it has seen committed is there,
// and transactions are whole.
func TestKill(t *testing.T) {
	if path := os.Getenv(killedVariable); path != "" {
		writeForever(t, path)
		return
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	acknowledged := map[string]bool{}
	for round := range 3 {
		for name := range killed(t, path, 200) {
			if acknowledged[name] {
				t.Errorf("round %d: %s was written twice", round, name)
			}
			acknowledged[name] = true
		}
	}
	db := openNotes(t, path)
	kept := map[string]bool{}
	rows, err := db.QueryContext(t.Context(), `SELECT name FROM notes`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		kept[name] = true
	}
	for name := range acknowledged {
		if !kept[name] {
			t.Errorf("%s was acknowledged, and is lost", name)
		}
	}
	for name := range kept {
		half, isHalf := name[:len(name)-1], name[len(name)-1] == '1'
		if isHalf && !kept[half+"2"] {
			t.Errorf("of a transaction only %s is kept", name)
		}
	}
}

// killed starts a process, kills it once it has acknowledged so many writes, and gives
// all that it has.
func killed(t *testing.T, path string, after int) map[string]bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKill$")
	cmd.Env = append(os.Environ(), killedVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if names[lines.Text()] = true; len(names) == after {
			_ = cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || len(names) < after {
		t.Fatalf("the process ended by itself after %d writes: %v", len(names), err)
	}
	return names
}

// writeForever prints each write once it is committed, in one line each.
func writeForever(t *testing.T, path string) {
	db := openNotes(t, path)
	var writing sync.WaitGroup
	for w := range 4 {
		writing.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("%d %d %d ", os.Getpid(), w, n)
				err := Tx(t.Context(), db, func(tx *sql.Tx) error {
					if err := insert(t.Context(), tx, name+"1"); err != nil {
						return err
					}
					return insert(t.Context(), tx, name+"2")
				})
				if err == nil {
					_, err = db.ExecContext(t.Context(), `INSERT INTO notes (name) VALUES ($1)`, name+"3")
				}
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = os.Stdout.WriteString(name + "1\n" + name + "2\n" + name + "3\n")
			}
		})
	}
	writing.Wait()
}
