//go:build !unix

package udp

import "net"

// receiver reads datagrams.
type receiver struct {
	conn *net.UDPConn
	buf  []byte
}

func newReceiver(c *net.UDPConn) (receiver, error) {
	return receiver{c, make([]byte, maxDatagram)}, nil
}

// receive gives the next datagram to f, which must not keep it.
func (r receiver) receive(f func([]byte)) error {
	n, err := r.conn.Read(r.buf)
	if err == nil {
		f(r.buf[:n])
	}
	return err
}
