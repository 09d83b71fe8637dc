//go:build unix && !linux

package infrastructure

import (
	"os"
	"syscall"
)

// executable is this program.
func executable() (string, error) { return os.Executable() }

// sweep does nothing: the environment of other processes is not to be read here. What
// has left its process group outlives the stack.
func sweep(string) int { return 0 }

// dieWithParent does nothing: the reaper ends a command when axion is killed.
func dieWithParent(*syscall.SysProcAttr) {}
