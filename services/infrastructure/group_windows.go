package infrastructure

import (
	"os/exec"
	"syscall"
)

// isolate keeps a Ctrl-C of the console away from a command.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// kill ends a command. Windows does not tell what it has started.
func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// terminate ends a command, and returns how it ended.
func terminate(cmd *exec.Cmd, ended <-chan error) error {
	kill(cmd)
	return <-ended
}
