//go:build unix && !linux

package infrastructure

import "syscall"

// dieWithParent does nothing: only Linux can. A process outlives an axion that is
// killed, and the next start gives its project another port.
func dieWithParent(*syscall.SysProcAttr) {}
