package stacktest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"axion/web/stacktest"
	"axion/web/view"
)

// TestWith: --with gives servers without a file, which programs reach by axion env and exec, and
// which a second start finds with their data; a file's own service comes first.
func TestWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, ".axion")
	for i, statement := range []string{"CREATE TABLE t AS SELECT 42 AS n; SELECT n FROM t", "SELECT n FROM t"} {
		p := stacktest.Launch(t, binary, "--data", data, "--with", "redis,postgres")
		stacktest.Eventually(t, "both run", func() bool {
			all := listed(t, dir, []string{"ps", "--data", data, "--json"})
			return all["postgres"].State == view.ServiceRunning && all["redis"].State == view.ServiceRunning
		})
		out, stderr, code := execute(t, dir, "exec", "--data", data, "postgres", "--", "psql", "-Atqc", statement)
		if strings.TrimSpace(out) != "42" {
			t.Errorf("start %d: psql wrote %q, %d %s", i+1, out, code, stderr)
		}
		out, stderr, _ = execute(t, dir, "env", "--data", data)
		if !strings.Contains(out, "DATABASE_URL=postgres://postgres:") || !strings.Contains(out, "REDIS_URL=redis://:") {
			t.Errorf("axion env prints %s%s", out, stderr)
		}
		out, stderr, code = execute(t, dir, "run", "--data", data, "--", "sh", "-c", `psql "$DATABASE_URL" -Atqc 'SELECT n FROM t'`)
		if strings.TrimSpace(out) != "42" {
			t.Errorf("start %d: psql at DATABASE_URL wrote %q, %d %s", i+1, out, code, stderr)
		}
		p.Stop(t)
	}
	file := filepath.Join(dir, "compose.yaml")
	save(t, file, `services: {redis: {image: "redis:7", command: redis-server --requirepass own}}`)
	p := stacktest.Launch(t, binary, "-f", file, "--data", filepath.Join(dir, "other"), "--with", "redis")
	p.Stop(t)
	if !strings.Contains(p.Stderr.String(), "--with starts no other") {
		t.Errorf("stderr: %s", p.Stderr)
	}
	if _, stderr, code := execute(t, dir, "up", "--with", "mysql"); code != 1 || !strings.Contains(stderr, "neither postgres nor redis") {
		t.Errorf("--with mysql: %d %s", code, stderr)
	}
}
