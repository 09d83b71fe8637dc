package process

import "syscall"

// Signals is empty: Windows has none to send.
var Signals map[string]syscall.Signal
