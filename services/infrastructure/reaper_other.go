//go:build !linux

package infrastructure

import "os/exec"

// reaperCommand is nil: the environment of other processes is not to be read here.
func reaperCommand(string) *exec.Cmd { return nil }

// sweep does nothing.
func sweep(string) int { return 0 }
