package stacktest_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"axion/services/contract"
	"axion/web/stacktest"
)

// TestRefusedStart: a start that is refused, early or late, says why and nothing else:
// what has not been there cannot be lost.
func TestRefusedStart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string) // after a first start; nil: there is none
		env   string
		args  []string
		says  string
	}{
		{name: "NewerDatabase", spoil: func(t *testing.T, dir string) {
			executeSQL(t, filepath.Join(dir, "services", contract.Graph, "data.db"),
				"INSERT INTO migrations_service (version_id, is_applied) VALUES (99, 1)")
		}, says: "newer axion"},
		{name: "OlderDatabase", spoil: func(t *testing.T, dir string) {
			executeSQL(t, filepath.Join(dir, "services", contract.Graph, "data.db"),
				"UPDATE migrations_service SET version_id = 1 WHERE version_id > 1")
		}, says: "older axion"},
		{name: "NoDatabase", spoil: func(t *testing.T, dir string) {
			save(t, filepath.Join(dir, "services", contract.Auth, "data.db"), strings.Repeat("this is no database", 1000))
		}, says: "data.db"},
		{name: "PortTaken", args: []string{"--kafka", l.Addr().String()}, says: "--kafka"},
		{name: "DatabaseAway", args: []string{"--database", "postgres://u:p@" + l.Addr().String() + "/d?connect_timeout=1"}, says: "PostgreSQL"},
		{name: "HalfIssuer", env: "AXION_AUTH_ISSUER=https://id.example.org", says: "AXION_AUTH_JWKS_URL"},
		{name: "NoBrokers", args: []string{"--brokers", "127.0.0.1:1"}, says: "--brokers"},
		{name: "NoFile", args: []string{"--file", "missing.yml"}, says: "missing.yml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if c.spoil != nil {
				stacktest.Launch(t, binary, "--data", dir).Stop(t)
				c.spoil(t, dir)
			}
			cmd := exec.CommandContext(t.Context(), binary, append([]string{"up", "--ports", "auto", "--json", "--data", dir}, c.args...)...)
			cmd.Env = append(os.Environ(), c.env)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.says) {
				t.Fatalf("got %v, want an error that names %s: %s", err, c.says, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.HasPrefix(line, "time=") && !strings.Contains(line, "other users may write into") { // that is the tests' directory
					t.Errorf("beside the error: %s", line)
				}
			}
		})
	}
}
