//go:build unix

package infrastructure

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// graceTime is how long a process has to end by itself.
const graceTime = 4 * time.Second

// groups has nothing to keep: the id of a command's process group is the command's.
type groups struct{} //nolint:unused // by reaper, which Windows needs it in

// isolate gives a command a process group of its own, so that it ends with all
// that it starts.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

// begin has the reaper know of a command's group.
func (r *reaper) begin(cmd *exec.Cmd) error {
	r.note(cmd.Process.Pid)
	return nil
}

// kill ends what is left of a command's group.
func (r *reaper) kill(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	r.note(-cmd.Process.Pid)
}

// note writes a line for the reaper. Where it was killed, the next start sweeps.
func (r *reaper) note(id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stdin != nil {
		_, _ = fmt.Fprintf(r.stdin, "%+d\n", id)
	}
}

// terminate ends a command: it is asked to, and then made to. It returns how it
// ended.
func (r *reaper) terminate(cmd *exec.Cmd, ended <-chan error) error {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	timer := time.NewTimer(graceTime)
	defer timer.Stop()
	select {
	case err := <-ended:
		r.kill(cmd)
		return err
	case <-timer.C:
		r.kill(cmd)
		return <-ended
	}
}
