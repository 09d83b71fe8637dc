package lifecycle

import (
	"bytes"

	"golang.org/x/sys/unix"
)

const (
	hangup      = 0
	hangupWakes = false
)

// openProcess gives none: processes are looked at from time to time.
func openProcess(int) int { return -1 }

// goRun says whether a process is the go command, and its parent.
func goRun(pid int) (parent int, ok bool) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0, false
	}
	name, _, _ := bytes.Cut(info.Proc.P_comm[:], []byte{0})
	return int(info.Eproc.Ppid), string(name) == "go"
}
