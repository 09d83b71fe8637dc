//go:build !unix

package tunnel

import "syscall"

// await does not wait: the read does, and holds its buffer meanwhile.
func await(syscall.RawConn) error { return nil }
