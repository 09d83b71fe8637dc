package inspect

import "syscall"

// ErrInUse is the error of a port that somebody has.
const ErrInUse = syscall.Errno(10048) // WSAEADDRINUSE
