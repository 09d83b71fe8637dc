//go:build linux && (amd64 || arm64)

package stacktest_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"axion/gateway/listen/peer/peertest"
	"axion/web/stacktest"
)

// Offsets in struct seccomp_data of linux/seccomp.h, on little-endian machines.
const (
	syscallNumber = 0
	firstArgument = 16
	thirdArgument = 32
)

// withoutSockDiag runs do in a thread whose processes cannot open a netlink socket for
// sock_diag, as under gVisor. The thread ends with it.
func withoutSockDiag(t *testing.T, do func()) {
	t.Helper()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: syscallNumber},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SOCKET, Jf: 5},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: firstArgument},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.AF_NETLINK, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: thirdArgument},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.NETLINK_SOCK_DIAG, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock it
		var err error
		defer func() { done <- err }() // do may end this goroutine
		err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
		}
		if err == nil {
			do()
		}
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestWithoutSockDiag: where the kernel does not report whose a connection is, everybody is
// answered, and the log and doctor say so.
func TestWithoutSockDiag(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var s *stacktest.Process
	withoutSockDiag(t, func() { s = stacktest.Launch(t, binary, "--data", data) })
	if s == nil {
		t.FailNow()
	}
	if !strings.Contains(s.Stderr.String(), "every user of this machine may connect") {
		t.Errorf("the log does not say so:\n%s", s.Stderr)
	}
	check := func() (state, detail string) {
		out, _ := exec.Command(binary, "doctor", "--json", "--data", data).Output() // other checks may fail
		var found struct {
			Checks []struct{ Name, State, Detail string }
		}
		if err := json.NewDecoder(bytes.NewReader(out)).Decode(&found); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, c := range found.Checks {
			if c.Name == "other users" {
				return c.State, c.Detail
			}
		}
		return "", ""
	}
	withoutSockDiag(t, func() {
		if state, detail := check(); state != "warning" || !strings.Contains(detail, "Kafka broker "+s.Summary.Kafka) {
			t.Errorf("doctor: got %s: %s", state, detail)
		}
	})
	if state, detail := check(); state != "ok" {
		t.Errorf("doctor, where there is sock_diag: got %s: %s", state, detail)
	}
	other, _ := peertest.Other(t)
	if got := answered(t, other, strings.TrimPrefix(s.Dashboard, "http://"),
		[]byte("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("got %q", got)
	}
}
