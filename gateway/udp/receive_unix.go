//go:build unix

package udp

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

var buffers = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

// receiver reads datagrams, and holds a buffer only once there is one: sessions
// are many and mostly idle.
type receiver struct{ raw syscall.RawConn }

func newReceiver(c *net.UDPConn) (receiver, error) {
	raw, err := c.SyscallConn()
	return receiver{raw}, err
}

// receive gives the next datagram to f, which must not keep it.
func (r receiver) receive(f func([]byte)) error {
	var failure error
	err := r.raw.Read(func(fd uintptr) bool {
		buf := buffers.Get().(*[maxDatagram]byte)
		defer buffers.Put(buf)
		for {
			n, err := syscall.Read(int(fd), buf[:])
			switch {
			case errors.Is(err, syscall.EINTR):
				continue
			case errors.Is(err, syscall.EAGAIN):
				return false
			case err == nil:
				f(buf[:n])
			}
			failure = err
			return true
		}
	})
	if err != nil {
		return err
	}
	return failure
}
