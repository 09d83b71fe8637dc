//go:build !unix

package tunnel

import "syscall"

// waitReadable does not wait: the read does, and holds its buffer meanwhile.
func waitReadable(syscall.RawConn) error { return nil }
