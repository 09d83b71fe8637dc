//go:build unix && !linux

package procgroup

import (
	"os"
	"syscall"
)

// executable returns this program's file.
func executable() (string, error) { return os.Executable() }

// sweep does nothing: the environment of other processes cannot be read here. What
// has left its process group outlives the stack.
func sweep(string) int { return 0 }

// dieWithParent does nothing: the child ends a command when axion is killed.
func dieWithParent(*syscall.SysProcAttr) {}
