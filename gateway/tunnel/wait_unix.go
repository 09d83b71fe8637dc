//go:build unix

package tunnel

import (
	"os"
	"syscall"
)

// waitReadable returns once a read would not wait. To look may take a connection's failure
// away from the read after it, so that it is reported here.
func waitReadable(raw syscall.RawConn) error {
	var failed error
	err := raw.Read(func(fd uintptr) bool {
		var b [1]byte
		for {
			_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			switch err {
			case syscall.EINTR:
				continue
			case syscall.EAGAIN:
				return false
			}
			failed = os.NewSyscallError("recvfrom", err)
			return true
		}
	})
	if err != nil {
		return err
	}
	return failed
}
