//go:build unix

package runner

import "syscall"

// signals are those that stop_signal may name; what is none of them is SIGTERM.
var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// inUse is the error of a port that somebody has.
const inUse = syscall.EADDRINUSE
