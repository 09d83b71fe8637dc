//go:build !linux

package postgres

import "os/exec"

// dropRoot leaves the command as it is: PostgreSQL says by itself that it does not run
// as root.
func dropRoot(*exec.Cmd) {}
