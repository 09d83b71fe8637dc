package tcp

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	small = 4 << 10 // bytes of the buffer that a direction holds while it is idle
	large = 32 << 10
	// burst is how many large reads in a row make a transfer, which the kernel does
	// without copying, at most so many bytes at once.
	burst    = 8
	transfer = 16 << 20
)

var larges = sync.Pool{New: func() any { return new([large]byte) }}

// tunnel passes bytes both ways until both sides have ended, or delay after one
// has; a negative delay means no such end. It closes both connections.
func tunnel(client, server net.Conn, delay time.Duration) {
	defer func() { _ = client.Close() }()
	defer func() { _ = server.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(client, server, delay)
	}()
	pass(server, client, delay)
	<-done
}

// pass is one direction of a tunnel. An error ends the other one too.
func pass(to, from net.Conn, delay time.Duration) {
	err := relay(to, from)
	if err == nil {
		err = closeWrite(to)
	}
	if err != nil {
		_ = to.Close()
		_ = from.Close()
		return
	}
	if delay >= 0 {
		_ = to.SetReadDeadline(time.Now().Add(delay))
	}
}

// relay copies until from ends. While nothing comes it holds a small buffer only.
func relay(to, from net.Conn) error {
	quiet := make([]byte, small)
	buf, whole := quiet, (*[large]byte)(nil)
	defer func() {
		if whole != nil {
			larges.Put(whole)
		}
	}()
	full := 0
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return unlessEnd(err)
		}
		switch {
		case n < len(buf):
			if full = 0; whole != nil {
				larges.Put(whole)
				buf, whole = quiet, nil
			}
		case whole == nil:
			whole = larges.Get().(*[large]byte)
			buf = whole[:]
		default:
			full++
		}
		if full == burst {
			larges.Put(whole)
			buf, whole, full = quiet, nil, 0
			if ended, err := bulk(to, from); ended || err != nil {
				return unlessEnd(err)
			}
		}
	}
}

// bulk has the kernel copy, where it can, until from ends or a transfer is done.
func bulk(to, from net.Conn) (ended bool, err error) {
	dst, src := socket(to), socket(from)
	if dst == nil || src == nil {
		return false, nil
	}
	n, err := dst.ReadFrom(&io.LimitedReader{R: src, N: transfer})
	return n < transfer, err
}

// unlessEnd is nil where a side has ended. One that speaks TLS may do so without a
// word.
func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
