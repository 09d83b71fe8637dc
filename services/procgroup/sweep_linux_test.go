package procgroup_test

import (
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"axion/services/procgroup"
)

// marked is a command with a child in its group, and one in a session of its own.
const marked = "sleep 300 & echo $!; setsid sleep 300 & echo $!; echo $$"

// TestKilledStack: whatever a command has started ends with the stack, though that is
// killed.
func TestKilledStack(t *testing.T) {
	t.Parallel()
	for _, id := range killedStack(t, t.TempDir(), marked, func(int) {}) {
		if !gone(id) {
			t.Errorf("process %d outlives the stack", id)
		}
	}
}

// TestKilledReaper: where the reaper's child was killed too, SweepLast ends it, by the mark
// alone.
func TestKilledReaper(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left := killedStack(t, dir, marked, func(reaper int) {
		if err := syscall.Kill(reaper, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	})
	stranger := exec.CommandContext(t.Context(), "sleep", "300")
	stranger.Env = append(os.Environ(), "AXION_PROCESSES=of another stack")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	next := procgroup.New(dir, slog.New(slog.DiscardHandler))
	defer next.Close()
	if err := next.SweepLast(); err != nil {
		t.Fatal(err)
	}
	for _, id := range left {
		if !gone(id) {
			t.Errorf("process %d outlives the next start", id)
		}
	}
	if !alive(stranger.Process.Pid) {
		t.Error("a process without the mark was ended")
	}
	_ = stranger.Process.Kill()
	_ = stranger.Wait()
}
