//go:build unix

package infrastructure

import (
	"os/exec"
	"syscall"
	"time"
)

// graceTime is how long a process has to end by itself.
const graceTime = 4 * time.Second

// isolate gives a command a process group of its own, so that it ends with all
// that it starts.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

// kill ends what is left of a command's group.
func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// terminate ends a command: it is asked to, and then made to. It returns how it
// ended.
func terminate(cmd *exec.Cmd, ended <-chan error) error {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	timer := time.NewTimer(graceTime)
	defer timer.Stop()
	select {
	case err := <-ended:
		kill(cmd)
		return err
	case <-timer.C:
		kill(cmd)
		return <-ended
	}
}
