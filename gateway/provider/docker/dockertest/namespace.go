//go:build linux

package dockertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// isolatedEnv is set in a process that [Isolate] has started.
const isolatedEnv = "AXION_TEST_NETNS"

// Namespace is a network namespace: as a machine of its own, whose links and bridges
// are none of this machine's. A browser gives up its requests when those change, and
// other tests have one open.
type Namespace struct{ name string }

// NewNamespace makes a namespace with a loopback link, which ends with the test. Where
// there is no right to, the test is skipped; with AXION_REQUIRE_TOOLS=1 it fails.
func NewNamespace(t testing.TB, name string) Namespace {
	t.Helper()
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "no "+tool+" in PATH: install iproute2 and util-linux to run this test")
		}
	}
	n := Namespace{fmt.Sprintf("axion-%s-%d", name, os.Getpid())}
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		missing(t, "no right to make network namespaces: "+strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "netns", "del", n.name).CombinedOutput(); err != nil {
			t.Errorf("delete the namespace: %v: %s", err, out)
		}
	})
	n.IP(t, "link", "set", "lo", "up")
	return n
}

// Name is what `ip netns` knows the namespace by.
func (n Namespace) Name() string { return n.name }

// IP runs the command of that name there.
func (n Namespace) IP(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", append([]string{"-n", n.name}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// Command runs a program there, which sees the files of this machine. In the zero
// Namespace it is that of this process.
func (n Namespace) Command(name string, args ...string) *exec.Cmd {
	if n.name == "" {
		return exec.Command(name, args...)
	}
	return exec.Command("nsenter", append([]string{"--net=/run/netns/" + n.name, name}, args...)...)
}

// Program writes a script to a directory that runs a program there, with the script's
// own arguments.
func (n Namespace) Program(t testing.TB, dir, binary string) string {
	t.Helper()
	path := filepath.Join(dir, "run-in-"+n.name)
	script := fmt.Sprintf("#!/bin/sh\nexec nsenter --net=/run/netns/%s %s \"$@\"\n", n.name, binary)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Isolate runs this test binary in a network namespace of its own, for tests that
// connect to containers themselves, and says that it has: code is its exit code. Where
// there is no right to, and in the process that it has started, it does nothing.
func Isolate() (code int, done bool) {
	if os.Getenv(isolatedEnv) != "" {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "ip link set lo up: %v: %s", err, out)
			return 1, true
		}
		return 0, false
	}
	runtime.LockOSThread() // the child ends with the thread that started it
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), isolatedEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	if exit := new(exec.ExitError); err == nil || errors.As(err, &exit) {
		return cmd.ProcessState.ExitCode(), true
	}
	return 0, false
}
