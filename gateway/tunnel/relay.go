package tunnel

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	size = 32 << 10 // bytes of a buffer
	// fullReadsBeforeSplice is how many full reads in a row make a transfer, which the kernel does
	// without copying, at most so many bytes at once.
	fullReadsBeforeSplice = 8
	transfer              = 16 << 20
)

var buffers = sync.Pool{New: func() any { return new([size]byte) }}

// past is a time that makes a read return at once.
var past = time.Unix(1, 0)

// relay is one direction.
type relay struct {
	to, from net.Conn
	raw      syscall.RawConn // of from; nil where it has none, or not yet
	layered  bool            // TLS lies between from and raw
	full     int             // reads in a row that filled the buffer
}

// run copies until from ends.
func (r *relay) run() error {
	for {
		if err := r.await(); err != nil {
			return ignoreEOF(err)
		}
		buffer := buffers.Get().(*[size]byte)
		err := r.copyChunk(buffer[:])
		buffers.Put(buffer)
		if err != nil {
			return ignoreEOF(err)
		}
		if r.full == fullReadsBeforeSplice {
			r.full = 0
			if ended, err := r.spliceBulk(); ended || err != nil {
				return ignoreEOF(err)
			}
		}
	}
}

// await returns once something has come. Where it cannot know, it returns at once.
func (r *relay) await() error {
	if r.raw == nil {
		bottom, layered := socket(r.from)
		if bottom == nil {
			return nil
		}
		raw, err := bottom.SyscallConn()
		if err != nil {
			return err
		}
		r.raw = raw
		if r.layered = layered; layered {
			if err := r.drain(); err != nil { // what came with the handshake
				return err
			}
		}
	}
	return waitReadable(r.raw)
}

// copyChunk hands on what has come.
func (r *relay) copyChunk(buffer []byte) error {
	if err := r.read(buffer); err != nil {
		return err
	}
	if !r.layered {
		return nil
	}
	return r.drainBy(buffer)
}

// drain hands on what TLS holds: nobody could wait for that.
func (r *relay) drain() error {
	buffer := buffers.Get().(*[size]byte)
	defer buffers.Put(buffer)
	return r.drainBy(buffer[:])
}

func (r *relay) drainBy(buffer []byte) error {
	if err := r.from.SetReadDeadline(past); err != nil {
		return err
	}
	var err error
	for err == nil {
		err = r.read(buffer)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return r.from.SetReadDeadline(time.Time{})
}

// read hands on what one read gives.
func (r *relay) read(buffer []byte) error {
	n, err := r.from.Read(buffer)
	if n < len(buffer) {
		r.full = 0
	} else {
		r.full++
	}
	if n > 0 {
		if _, err := r.to.Write(buffer[:n]); err != nil {
			return err
		}
	}
	return err
}

// spliceBulk has the kernel copy, where it can, until from ends or a transfer is done.
func (r *relay) spliceBulk() (ended bool, err error) {
	dst, over := socket(r.to)
	src, under := socket(r.from)
	if dst == nil || src == nil || over || under {
		return false, nil
	}
	n, err := dst.ReadFrom(&io.LimitedReader{R: src, N: transfer})
	return n < transfer, err
}

// ignoreEOF is nil where a side has ended. One that speaks TLS may do so without a
// word.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
