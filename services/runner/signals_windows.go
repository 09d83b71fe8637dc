package runner

import "syscall"

// signals is empty: Windows has none to send.
var signals map[string]syscall.Signal
