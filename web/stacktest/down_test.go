//go:build unix

package stacktest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"axion/web/stacktest"
	"axion/web/summary"
)

// downAtEnd ends the stack in the background of a folder, whatever has failed.
func downAtEnd(t *testing.T, dir string) {
	t.Cleanup(func() {
		cmd := exec.Command(binary, "down", "--timeout", "1s")
		cmd.Dir = dir
		_ = cmd.Run()
	})
}

// TestDetach: a stack in the background is there when the command returns, is not started
// twice, and is ended by down.
func TestDetach(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "compose.yaml"), project)
	downAtEnd(t, dir)
	out, stderr, code := execute(t, dir, "up", "-d", "--ports", "auto", "--json")
	var first, second summary.Summary
	if err := json.Unmarshal([]byte(out), &first); code != 0 || err != nil || first.PID == 0 {
		t.Fatalf("up -d: got %d, %v, %s%s", code, err, out, stderr)
	}
	if listed(t, dir, []string{"ps", "--json"})["web"].Name == "" {
		t.Error("no service web")
	}
	log := filepath.Join(dir, ".axion", "axion.log")
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v, want 0600: the password is in it", log, info, err)
	}
	out, stderr, code = execute(t, dir, "up", "-d", "--ports", "auto", "--json")
	if err := json.Unmarshal([]byte(out), &second); code != 0 || err != nil || second.Instance != first.Instance ||
		!strings.Contains(stderr, "runs already, as process "+strconv.Itoa(first.PID)) {
		t.Errorf("up -d again: got %d, %v, %s%s", code, err, out, stderr)
	}
	if out, stderr, code := execute(t, dir, "up", "--detach", "--ports", "auto"); code != 0 || !strings.Contains(out, first.Dashboard) ||
		!strings.Contains(out, "graph-service") || !strings.Contains(out, "axion down ends it") {
		t.Errorf("for people: got %d, %s%s", code, out, stderr)
	}
	out, stderr, code = execute(t, dir, "down")
	if code != 0 || !strings.Contains(out, "stopping: waits for ") || !strings.Contains(out, "process "+strconv.Itoa(first.PID)) {
		t.Errorf("down: got %d, %s%s", code, out, stderr)
	}
	stacktest.Eventually(t, "the process's end", func() bool { return syscall.Kill(first.PID, 0) != nil })
	if out, stderr, code := execute(t, dir, "down"); code != 0 || !strings.Contains(out, "no stack is running on .axion") {
		t.Errorf("down again: got %d, %s%s", code, out, stderr)
	}
	for want, args := range map[string][]string{
		`error: --kafka: "nonsense" is not an address`:      {"up", "-d", "--kafka", "nonsense", "--ports", "auto"},
		"error: --detach: a stack that keeps nothing ends ": {"up", "-d", "--ephemeral"},
		"error: --wait: is for --detach":                    {"up", "--wait"},
	} {
		if _, stderr, code := execute(t, dir, args...); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("axion %v: got %d, %s", args, code, stderr)
		}
	}
}

// TestDown kills a stack that takes too long, and no process of a service is left; the data
// that was provided goes when asked.
func TestDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, filepath.Join(dir, "compose.yaml"), `
services:
  stuck:
    x-axion: {command: "trap '' TERM; echo $$$$ > pid; while true; do sleep 0.1; done", directory: .}
    stop_grace_period: 1h
`)
	downAtEnd(t, dir)
	kept := filepath.Join(dir, ".axion", "postgres", "db", "PG_VERSION")
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		t.Fatal(err)
	}
	save(t, kept, "15")
	if _, stderr, code := execute(t, dir, "up", "-d", "--ports", "auto", "--wait"); code != 0 {
		t.Fatalf("up -d: got %d, %s", code, stderr)
	}
	var pid int
	stacktest.Eventually(t, "the service's process", func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "pid"))
		var err error
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	out, stderr, code := execute(t, dir, "down", "--timeout", "1s", "--volumes")
	if code != 0 || !strings.Contains(out, "stopping: waits for stuck, process ") ||
		!strings.Contains(out, "killed: it has not ended within 1s") ||
		!strings.Contains(out, "removed "+filepath.Join(dir, ".axion", "postgres", "db")) {
		t.Errorf("got %d, %s%s", code, out, stderr)
	}
	if _, err := os.Stat(kept); err == nil {
		t.Error("the data is there")
	}
	stacktest.Eventually(t, "the end of the service's process", func() bool { return syscall.Kill(pid, 0) != nil })
}
