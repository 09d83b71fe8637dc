package procgroup_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"axion/services/procgroup"
)

// stackChild stands for a stack with one project, which starts a process of its own.
func init() {
	stack = func(_, _ string) {
		out, in := io.Pipe()
		if err := procgroup.RunJob(in, os.Args[0], "child", "parent"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, _ = io.Copy(os.Stdout, out)
	}
}

// TestKilledStack: what a project has started ends with the stack, though that is killed.
func TestKilledStack(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "child", "stack", "", "")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 2 {
		if !lines.Scan() {
			t.Fatal("the stack says nothing")
		}
		id, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatalf("the stack says %q", lines.Text())
		}
		process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(id))
		if err != nil {
			t.Fatalf("process %d has ended before the stack: %v", id, err)
		}
		defer func() {
			if event, err := windows.WaitForSingleObject(process, uint32(time.Minute/time.Millisecond)); event != windows.WAIT_OBJECT_0 {
				t.Errorf("process %d outlives the stack: %d, %v", id, event, err)
			}
			_ = windows.CloseHandle(process)
		}()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}
