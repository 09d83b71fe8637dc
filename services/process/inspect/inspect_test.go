//go:build unix

package inspect

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestGroups: what a process has started counts with it, whose parent is gone too; and
// processor time is that of all.
func TestGroups(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/bin/sh", "-c", `(sleep 1000 & echo $!); i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo busy; read x`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "busy"; {
	}
	members, err := groups(t.Context(), []int{cmd.Process.Pid, 1 << 30})
	if err != nil || len(members[cmd.Process.Pid]) != 2 || len(members) != 1 {
		t.Errorf("the group has %v, %v, want two processes", members, err)
	}
	usage, err := Groups(t.Context(), []int{cmd.Process.Pid})
	if got := usage[cmd.Process.Pid]; err != nil || got.CPU <= 0 || got.Memory < 100<<10 {
		t.Errorf("it uses %+v, %v", got, err)
	}
}

// TestPorts: a port is known by its process, and the process by its port.
func TestPorts(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := l.Addr().(*net.TCPAddr).Port
	ports, err := Ports(t.Context(), os.Getpid())
	if err != nil || !slices.Contains(ports, port) {
		t.Errorf("the ports are %v, %v, want %d", ports, err, port)
	}
	if holder, ok := FindHolder(t.Context(), port); !ok || holder.PID != os.Getpid() || !strings.HasPrefix(holder.String(), "inspect.test") {
		t.Errorf("port %d is held by %v", port, holder)
	}
	if holder, ok := FindHolder(t.Context(), 1); ok {
		t.Errorf("port 1 is held by %v", holder)
	}
}
