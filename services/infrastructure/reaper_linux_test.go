package infrastructure_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"axion/services/infrastructure"
)

// marked is a project one of whose grandchildren stays in the group, and one leaves it
// for a session of its own.
const marked = "sleep 300 & echo $!; setsid sleep 300 & echo $!; echo $$"

// TestKilledStack: whatever a project has started ends with the stack, though that is
// killed.
func TestKilledStack(t *testing.T) {
	t.Parallel()
	for _, id := range killedStack(t, t.TempDir(), marked, func(int) {}) {
		if !gone(id) {
			t.Errorf("process %d outlives the stack", id)
		}
	}
}

// TestKilledReaper: where that which ends it was killed too, the next start does, by
// the mark alone.
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
	if err := infrastructure.SweepLast(dir); err != nil {
		t.Fatal(err)
	}
	for _, id := range left {
		if !gone(id) {
			t.Errorf("process %d outlives the next start", id)
		}
	}
	if !alive(stranger.Process.Pid) {
		t.Error("a process of somebody else was ended")
	}
	_ = stranger.Process.Kill()
	_ = stranger.Wait()
}
