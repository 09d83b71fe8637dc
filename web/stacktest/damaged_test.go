package stacktest_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"axion/services/contract"
	"axion/web/stacktest"
)

// refused starts the program on a directory that it must refuse, and gives what it
// says.
func refused(t *testing.T, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // else one that starts runs on
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "up", "--ports", "auto", "--json", "--data", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "\nhint: ") {
		t.Fatalf("got %v, want an error with a hint: %s", err, out)
	}
	return string(out)
}

// database is the path of a service's database without an end, and what its files hold:
// with a log, it looks as a kill leaves it.
type database struct {
	path, text, log string
}

// write puts it in place. Without a log there is none.
func (d database) write(t *testing.T) {
	t.Helper()
	for end, text := range map[string]string{"": d.text, "-wal": d.log, "-shm": ""} {
		err := os.Remove(d.path + end)
		if text != "" {
			err = os.WriteFile(d.path+end, []byte(text), 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

func readDatabase(t *testing.T, path string) database {
	t.Helper()
	text, err := os.ReadFile(path)
	log, logErr := os.ReadFile(path + "-wal")
	if err != nil || logErr != nil && !errors.Is(logErr, os.ErrNotExist) {
		t.Fatal(err, logErr)
	}
	return database{path, string(text), string(log)}
}

// afterSQL is what a kill leaves of a database after a statement, which only its log has.
// The database itself stays as it was.
func (d database) afterSQL(t *testing.T, statement string) database {
	t.Helper()
	db, err := sql.Open("sqlite", d.path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	killed := readDatabase(t, d.path)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d.write(t)
	if killed.log == "" {
		t.Fatalf("%s has no log", d.path)
	}
	return killed
}

// TestDamagedDatabase damages graph's database as a failing disk does, and follows
// the hint: all projects are there again. A page that no start reads is found after a
// kill alone, when all are looked at.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := stacktest.Launch(t, binary, "--data", dir)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "damaged", "")
	ws.ReadUntil(t, p.ID, contract.DeploymentSucceeded)
	s.Stop(t)
	path := filepath.Join(dir, "services", contract.Graph, "data.db")
	whole := readDatabase(t, path)
	header := []byte(whole.text)
	copy(header, "this is no database")
	killed := whole.afterSQL(t, "INSERT INTO migrations_bus (version_id, is_applied) VALUES (0, 1)")
	page := []byte(whole.text)
	clear(page[rootPage(t, path, "slugs_project"):][:pageSize])
	for name, d := range map[string]database{"Header": {path, string(header), ""}, "Page": {path, string(page), killed.log}} {
		d.write(t)
		out := refused(t, dir)
		for _, want := range []string{contract.Graph, path + " is damaged", "move " + path, "axion rebuild graph-service"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: got %s\nwant it to say %q", name, out, want)
			}
		}
		if readDatabase(t, path) != d {
			t.Errorf("%s: the damaged database was changed", name)
		}
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+end, path+".damaged"+end); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	s = stacktest.Launch(t, binary, "--data", dir)
	if out, err := exec.CommandContext(t.Context(), binary, "--data", dir, "rebuild", contract.Graph).CombinedOutput(); err != nil {
		t.Fatalf("rebuild: %v: %s", err, out)
	}
	s.Do(t, "GET", s.URL(contract.GraphHost, "/api/projects/"+p.ID), s.Token, nil).Decode(t, 200, nil)
}

// pageSize is that of a service's database.
const pageSize = 4096

// rootPage is where in its file a database has the first page of a table or an index.
func rootPage(t *testing.T, path, name string) (offset int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", name).Scan(&offset); err != nil {
		t.Fatal(err)
	}
	return (offset - 1) * pageSize
}

// TestNewerDatabase: what a newer program has written is refused by name, whichever
// service's it is, and also where that program was killed: its log is not touched.
func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stacktest.Launch(t, binary, "--data", dir).Stop(t)
	for _, service := range contract.Names() {
		for _, set := range []string{"bus", "service"} {
			before := readDatabase(t, filepath.Join(dir, "services", service, "data.db"))
			newer := before.afterSQL(t, "INSERT INTO migrations_"+set+" (version_id, is_applied) VALUES (99, 1)")
			newer.write(t)
			out := refused(t, dir)
			for _, want := range []string{newer.path, "newer axion", `"` + set + `" has version 99`} {
				if !strings.Contains(out, want) {
					t.Errorf("%s: got %s\nwant it to say %q", service, out, want)
				}
			}
			if readDatabase(t, newer.path) != newer {
				t.Errorf("%s: the database was changed", service)
			}
			before.write(t)
		}
	}
	stacktest.Launch(t, binary, "--data", dir) // it is as it was
}

func executeSQL(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
