package infrastructure_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"axion/services/infrastructure"
)

// stackChild stands for a stack in whose directory one project runs, until it is
// killed: it says the ids of its reaper and of the project's processes.
func init() { stack = stackChild }

func stackChild(dir string) {
	out, in := io.Pipe()
	// One grandchild stays in the group, one leaves it for a session of its own.
	id, err := infrastructure.RunMarked(dir, in, "sh", "-c",
		"sleep 300 & echo $!; setsid sleep 300 & echo $!; echo $$; wait")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(id)
	_, _ = io.Copy(os.Stdout, out)
}

// killedStack kills such a stack, and what before gives the processes to, and returns
// those of the project.
func killedStack(t *testing.T, dir string, before func(reaper int)) (processes []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "child", "stack", dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for lines := bufio.NewScanner(out); len(ids) < 4 && lines.Scan(); {
		id, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatalf("the stack says %q", lines.Text())
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		t.Cleanup(func() { _ = syscall.Kill(id, syscall.SIGKILL) })
		if !alive(id) {
			t.Errorf("process %d has ended before the stack", id)
		}
	}
	before(ids[0])
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	return ids[1:]
}

// TestKilledStack: whatever a project has started ends with the stack, though that is
// killed.
func TestKilledStack(t *testing.T) {
	t.Parallel()
	for _, id := range killedStack(t, t.TempDir(), func(int) {}) {
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
	left := killedStack(t, dir, func(reaper int) {
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
