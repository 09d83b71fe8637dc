//go:build unix

package command

import (
	"os"
	"os/exec"
	"syscall"
)

// kept are the signals that do not end this process while a command runs.
var kept = []os.Signal{os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}

// passedOn are the signals that a command is sent. Those of a terminal's keys the terminal
// sends to the command too.
func passedOn(terminal bool) []os.Signal {
	if terminal {
		return []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
	}
	return kept
}

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// detach has a command run in a session of its own, without this one's terminal.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
