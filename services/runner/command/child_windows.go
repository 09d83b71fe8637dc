package command

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// kept are the signals that do not end this process while a command runs.
var kept = []os.Signal{os.Interrupt}

// passedOn is empty: the console sends Ctrl-C to the command too.
func passedOn(bool) []os.Signal { return nil }

func exitCode(state *os.ProcessState) int { return state.ExitCode() }

// detach has a command run without this one's console, whose Ctrl-C does not reach it.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
