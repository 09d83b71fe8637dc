package stacktest_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"axion/services/contract"
	"axion/web/stacktest"
)

// refused starts the program on a directory that it must refuse, and gives what it
// says.
func refused(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, "up", "--ports", "auto", "--json", "--data", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "\nhint: ") {
		t.Fatalf("got %v, want an error with a hint: %s", err, out)
	}
	return string(out)
}

// TestDamagedDatabase damages graph's database as a failing disk does, and follows
// the hint: all projects are there again.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := stacktest.Launch(t, binary, "--data", dir)
	ws := s.WebSocket(t, "/ws?token="+s.Token)
	p := s.Create(t, "", "damaged", "")
	ws.Until(t, p.ID, contract.DeploymentSucceeded)
	s.Stop(t)
	path := filepath.Join(dir, "services", contract.Graph, "data.db")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(text, "this is no database")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out := refused(t, dir)
	for _, want := range []string{contract.Graph, path + " is damaged", "move " + path, "axion rebuild graph-service"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %s\nwant it to say %q", out, want)
		}
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(text) {
		t.Errorf("the damaged file was changed: %v", err)
	}
	if err := os.Rename(path, path+".damaged"); err != nil {
		t.Fatal(err)
	}
	s = stacktest.Launch(t, binary, "--data", dir)
	if out, err := exec.CommandContext(t.Context(), binary, "--data", dir, "rebuild", contract.Graph).CombinedOutput(); err != nil {
		t.Fatalf("rebuild: %v: %s", err, out)
	}
	s.Do(t, "GET", s.URL(contract.GraphHost, "/api/projects/"+p.ID), s.Token, nil).Decode(t, 200, nil)
}

// TestNewerDatabase: what a newer program has written is refused by name, whichever
// service's it is.
func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stacktest.Launch(t, binary, "--data", dir).Stop(t)
	for _, service := range contract.Names() {
		for _, set := range []string{"bus", "service"} {
			path := filepath.Join(dir, "services", service, "data.db")
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			executeSQL(t, path, "INSERT INTO migrations_"+set+" (version_id, is_applied) VALUES (99, 1)")
			newer, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out := refused(t, dir)
			for _, want := range []string{path, "newer axion", `"` + set + `" has version 99`} {
				if !strings.Contains(out, want) {
					t.Errorf("%s: got %s\nwant it to say %q", service, out, want)
				}
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != string(newer) {
				t.Errorf("%s: the file was changed: %v", service, err)
			}
			if err := os.WriteFile(path, before, 0o600); err != nil {
				t.Fatal(err)
			}
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
