//go:build unix

package procgroup_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"axion/services/procgroup"
)

// stackChild stands for a stack with one project in dir, until it is killed: it writes the
// ids of its reaper's child and of the project's processes.
func init() { stack = stackChild }

func stackChild(dir, script string) {
	out, in := io.Pipe()
	id, err := procgroup.RunMarked(dir, in, "sh", "-c", script)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(id)
	_, _ = io.Copy(os.Stdout, out)
}

// killedStack kills such a stack, after what before does to its reaper, and returns the
// processes of the project: a script, which writes the id of each and then waits.
func killedStack(t *testing.T, dir, script string, before func(reaper int)) (processes []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "child", "stack", dir, script+"; wait")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for lines := bufio.NewScanner(out); len(ids) <= strings.Count(script, "echo") && lines.Scan(); {
		id, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatalf("the stack wrote %q", lines.Text())
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

// TestKilledGroup: the process group of a command ends with a stack that is killed, with
// those in it that have no mark, as on systems where marks cannot be read.
func TestKilledGroup(t *testing.T) {
	t.Parallel()
	for _, id := range killedStack(t, t.TempDir(), "env -i sleep 300 & echo $!; echo $$", func(int) {}) {
		if !gone(id) {
			t.Errorf("process %d outlives the stack", id)
		}
	}
}

// TestReadGroups: groups that have ended are left alone, as their ids may be others'
// by now, and so is what a kill cut off.
func TestReadGroups(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]int{
		"":                nil,
		"+10\n+11\n-10\n": {11},
		"+10\n-10\n+10\n": {10},
		"+10\n+":          {10},
		"+0\n+1\n-1\nx\n": nil,
		"+12\n" + strings.Repeat("9", 1<<17) + "\n": {12},
	} {
		if got := slices.Sorted(maps.Keys(procgroup.ReadGroups(strings.NewReader(text)))); !slices.Equal(got, want) {
			t.Errorf("%.20q: got %v, want %v", text, got, want)
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// gone waits until a process has ended, and reports whether it has: as a zombie it is as
// good as gone.
func gone(pid int) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if !alive(pid) || err == nil && strings.Contains(string(text), ") Z") {
			return true
		}
	}
	return false
}
