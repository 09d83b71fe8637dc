//go:build unix

package procgroup

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// DefaultGrace is how long a terminated process may run, until it is killed.
const DefaultGrace = 4 * time.Second

// groups is empty: the id of a command's process group is the command's.
type groups struct{} //nolint:unused // by Reaper, which Windows needs it in

// setProcessGroup gives a command a process group of its own, so that it ends with all
// that it starts.
func setProcessGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithParent(cmd.SysProcAttr)
}

// add reports a command's group to the child.
func (r *Reaper) add(cmd *exec.Cmd) error {
	r.report(cmd.Process.Pid)
	return nil
}

// Kill ends what is left of a command's group.
func (r *Reaper) Kill(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	r.report(-cmd.Process.Pid)
}

// report writes a line for the child: +id for a group that has begun, -id for one that has
// ended.
func (r *Reaper) report(id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stdin != nil {
		_, _ = fmt.Fprintf(r.stdin, "%+d\n", id)
	}
}

// Terminate ends a command, whose Wait is sent to ended: by a signal, and after a grace
// by SIGKILL. It returns the result of Wait.
func (r *Reaper) Terminate(cmd *exec.Cmd, ended <-chan error, signal syscall.Signal, grace time.Duration) error {
	_ = syscall.Kill(-cmd.Process.Pid, signal)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-ended:
		r.Kill(cmd)
		return err
	case <-timer.C:
		r.Kill(cmd)
		return <-ended
	}
}
