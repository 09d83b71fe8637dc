package runner

import "syscall"

// signals is empty: Windows has none to send.
var signals map[string]syscall.Signal

// inUse is the error of a port that somebody has.
const inUse = syscall.Errno(10048) // WSAEADDRINUSE
