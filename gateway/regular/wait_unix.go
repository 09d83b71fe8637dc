//go:build unix

package regular

import "syscall"

// dontWait keeps the opening of a pipe from waiting for its writer.
const dontWait = syscall.O_NONBLOCK
