package stacktest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Build builds the program into dir and returns its path.
func Build(dir string) (string, error) {
	binary := filepath.Join(dir, "axion")
	if out, err := exec.Command("go", "build", "-o", binary, "axion").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// Process is a stack in a process of its own.
type Process struct {
	*Stack
	Cmd    *exec.Cmd
	Stderr *Log
}

// Launch starts binary on free ports, with a directory of its own as working
// directory where args name no data directory, and waits until it is ready. The
// test's end interrupts it; the test fails where it does not end cleanly.
func Launch(t testing.TB, binary string, args ...string) *Process {
	t.Helper()
	return LaunchWith(t, nil, binary, args...)
}

// LaunchWith is [Launch] with env added to the environment, "NAME=value" each.
func LaunchWith(t testing.TB, env []string, binary string, args ...string) *Process {
	t.Helper()
	return LaunchIn(t, t.TempDir(), env, binary, args...)
}

// LaunchIn is [LaunchWith] with dir as working directory.
func LaunchIn(t testing.TB, dir string, env []string, binary string, args ...string) *Process {
	t.Helper()
	args = append([]string{"up", "--ports", "auto", "--json"}, args...)
	if !slices.Contains(args, "--data") {
		args = append(args, "--ephemeral")
	}
	p := &Process{Cmd: exec.Command(binary, args...), Stderr: &Log{}}
	p.Cmd.Dir, p.Cmd.Env = dir, append(os.Environ(), env...)
	line := p.start(t)
	p.Stack = Connect(t, line)
	return p
}

// Kill ends the process as kill -9 does.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if err := p.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Cmd.Wait() // "signal: killed"
}

// Stop interrupts the process as Ctrl-C does, and fails the test where it does
// not end cleanly. Later calls do nothing.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if p.Cmd.ProcessState == nil {
		_ = p.Cmd.Process.Signal(os.Interrupt)
		if err := p.Cmd.Wait(); err != nil {
			t.Errorf("after an interrupt the stack ended with %v", err)
		}
	}
	if t.Failed() {
		t.Logf("stderr:\n%s", p.Stderr)
	}
}

// Log keeps what a stack writes to stderr. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends p.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of it so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
