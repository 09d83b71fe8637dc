//go:build unix

package stacktest_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"axion/services/clustertest"
	"axion/services/contract"
	"axion/web/stacktest"
	"axion/web/summary"
)

// orphanTime is what a stack that keeps nothing may take to end after its parent.
const orphanTime = time.Second

// begun is a stack that was started by a process of its own.
type begun struct {
	summary.Summary
	parent *exec.Cmd
	line   []byte
}

// begin runs a command whose first line is a stack's, with env added.
func begin(t *testing.T, stdin io.Reader, env []string, name string, args ...string) *begun {
	t.Helper()
	b := &begun{parent: exec.Command(name, args...)}
	b.parent.Dir, b.parent.Stdin, b.parent.Env = t.TempDir(), stdin, append(os.Environ(), env...)
	out, err := b.parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.parent.Process.Kill(); _ = b.parent.Wait() })
	if b.line, err = bufio.NewReader(out).ReadBytes('\n'); err != nil {
		t.Fatalf("%s is not ready: %v", b.parent, err)
	}
	if err := json.Unmarshal(b.line, &b.Summary); err != nil {
		t.Fatalf("%v: %q", err, b.line)
	}
	t.Cleanup(func() { _ = syscall.Kill(b.PID, syscall.SIGKILL) }) // where it has not ended
	return b
}

// gone reports whether the stack has ended, and left nothing.
func (b *begun) gone() bool {
	if err := syscall.Kill(b.PID, 0); err == nil && !zombie(b.PID) {
		return false
	}
	_, err := os.Stat(b.Data)
	return os.IsNotExist(err)
}

// zombie reports whether a process has ended and nobody has asked how.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// within fails unless the stack ends in time. The time is checked where nothing else
// loads the machine: the tests run side by side.
func (b *begun) within(t *testing.T, what string) {
	t.Helper()
	from := time.Now()
	stacktest.Eventually(t, what, b.gone)
	if took := time.Since(from); took > 10*orphanTime {
		t.Errorf("%s took %s, want %s", what, took, orphanTime)
	}
	if u, err := url.Parse(b.Dashboard); err == nil {
		if c, err := net.Dial("tcp", u.Host); err == nil {
			_ = c.Close()
			t.Errorf("%s: %s still listens", what, u.Host)
		}
	}
}

// wrapped runs the stack as a child of a shell, which waits for it.
func wrapped(flags string) []string {
	return []string{"-c", `"$0" up --ephemeral --ports auto --json ` + flags + ` & wait`, binary}
}

// TestParent: a stack that keeps nothing ends with the process that started it, however
// that was ended, with requests under way too.
func TestParent(t *testing.T) {
	t.Parallel()
	b := begin(t, nil, nil, "sh", wrapped("")...)
	s := stacktest.Connect(t, b.line)
	s.WebSocket(t, "/ws?token="+s.Token)
	if b.Version == "" || b.Instance == "" || b.PID == 0 || !filepath.IsAbs(b.Data) {
		t.Errorf("the JSON line: got %s, want version, instance, pid and data", b.line)
	}
	if err := b.parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.within(t, "the stack to end after its parent was killed")
}

// TestParentGiven follows another process than the parent.
func TestParentGiven(t *testing.T) {
	t.Parallel()
	other := exec.Command("sleep", "300")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	b := begin(t, nil, nil, "sh", wrapped("--parent "+strconv.Itoa(other.Process.Pid))...)
	if err := b.parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = b.parent.Wait()
	s := stacktest.Connect(t, b.line)
	s.Do(t, "GET", s.URL(contract.GraphHost, "/api/projects"), s.Token, nil).Decode(t, 200, nil)
	_ = other.Process.Kill()
	b.within(t, "the stack to end with --parent")
}

// TestParentNone: --parent 0 opts out, for scripts that end by design.
func TestParentNone(t *testing.T) {
	t.Parallel()
	in, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := begin(t, in, nil, "sh", wrapped("--parent 0 <&0")...)
	_, _ = in.Close(), hold.Close()
	if err := b.parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = b.parent.Wait()
	s := stacktest.Connect(t, b.line)
	s.Do(t, "GET", s.URL(contract.GraphHost, "/api/projects"), s.Token, nil).Decode(t, 200, nil)
	if err := syscall.Kill(b.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	stacktest.Eventually(t, "the stack to end by a signal", b.gone)
}

// TestParentPipe: the end of the pipe to standard input ends the stack too.
func TestParentPipe(t *testing.T) {
	t.Parallel()
	in, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := begin(t, in, nil, binary, "up", "--ephemeral", "--ports", "auto", "--json")
	_ = in.Close()
	_ = hold.Close()
	b.within(t, "the stack to end")
	if err := b.parent.Wait(); err != nil {
		t.Errorf("the stack ended with %v, want that this is a way to end it", err)
	}
}

// TestGoRun: `go run` passes no signal on, and its end reaches the stack, one that is
// kept too.
func TestGoRun(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it links the program")
	}
	data := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b := begin(t, nil, nil, "go", "-C", root, "run", ".", "up", "--data", data, "--ports", "auto", "--json")
	if b.PID == b.parent.Process.Pid {
		t.Fatal("the stack is go run itself")
	}
	if err := b.parent.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	stacktest.Eventually(t, "the stack to end after go run", func() bool {
		_, stderr, _ := execute(t, data, "routes", "--data", data)
		if strings.Contains(stderr, "crash") {
			t.Fatalf("the stack did not end cleanly: %s", stderr)
		}
		return strings.Contains(stderr, "no stack is running")
	})
}

// TestDeadDirectory: a start removes what a stack left that was killed, in the system's
// temporary directory too, and not that of one that runs.
func TestDeadDirectory(t *testing.T) {
	t.Parallel()
	place := clustertest.PrivateDir(t)
	env := []string{"TMPDIR=" + place}
	living := stacktest.LaunchWith(t, env, binary)
	killed := stacktest.LaunchWith(t, env, binary)
	if filepath.Dir(killed.Data) != place {
		t.Fatalf("data are in %s, want them below TMPDIR, where nobody else may write", killed.Data)
	}
	killed.Kill(t)
	if _, err := os.Stat(killed.Data); err != nil {
		t.Fatalf("a killed stack removed its directory: %v", err)
	}
	stacktest.LaunchWith(t, env, binary)
	if _, err := os.Stat(killed.Data); !os.IsNotExist(err) {
		t.Errorf("%s: got %v, want it gone", killed.Data, err)
	}
	living.Do(t, "GET", living.URL(contract.GraphHost, "/api/projects"), living.Token, nil).Decode(t, 200, nil)
}
