package http1

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// largeSize is from where on a body is copied in large parts, in bytes.
const largeSize = 64 << 10

var (
	copies      = sync.Pool{New: func() any { return new([readSize]byte) }}
	largeCopies = sync.Pool{New: func() any { return new([largeSize]byte) }}
)

// copyBody sends the body as it comes.
func (x *exchange) copyBody(c *conn) error {
	switch {
	case x.head.chunked:
		body := &chunks{r: c.r}
		if err := x.copy(c, body, true); err != nil {
			return err
		}
		if len(body.trailer) > 0 {
			_ = http.NewResponseController(x.w).Flush() // else a short answer gets a length, and no trailer
		}
		for _, f := range body.trailer {
			x.trail(f)
		}
		return nil
	case x.head.length >= 0 && x.head.length <= int64(c.r.Buffered()): // all of it came with the head
		body, _ := c.r.Peek(int(x.head.length))
		_, err := x.w.Write(body)
		_, _ = c.r.Discard(len(body))
		return err
	case x.head.length > largeSize && x.direct():
		return x.splice(c)
	case x.head.length >= 0:
		return x.copy(c, io.LimitReader(c.r, x.head.length), x.streams())
	}
	return x.copy(c, c.r, true)
}

// direct reports whether the answer leaves as it comes, without TLS or frames.
func (x *exchange) direct() bool {
	_, ok := x.w.(io.ReaderFrom)
	return ok && x.r.TLS == nil && x.r.ProtoMajor == 1
}

// splice has the kernel copy a body of known length. Nothing of it is held back.
func (x *exchange) splice(c *conn) error {
	begun, _ := c.r.Peek(c.r.Buffered())
	n, err := x.w.Write(begun)
	if err != nil {
		return err
	}
	_, _ = c.r.Discard(n)
	if err := http.NewResponseController(x.w).Flush(); err != nil {
		return err
	}
	left := x.head.length - int64(n)
	passed, err := x.w.(io.ReaderFrom).ReadFrom(&io.LimitedReader{R: c.Conn, N: left})
	if err == nil && passed < left {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// trail sets a trailer; one that was not announced needs a prefix.
func (x *exchange) trail(f field) {
	for _, line := range x.w.Header()["Trailer"] {
		if hasToken(line, f.name) {
			x.w.Header().Add(f.name, f.value)
			return
		}
	}
	x.w.Header().Add(http.TrailerPrefix+f.name, f.value)
}

// streams reports whether each part of the body matters by itself.
func (x *exchange) streams() bool {
	kind := x.w.Header().Get("Content-Type")
	return x.target.FlushInterval <= 0 || strings.HasPrefix(kind, "text/event-stream") || strings.HasPrefix(kind, "application/grpc")
}

// copy hands parts on. Where the next is not there yet it flushes, at once if it is to
// stream, else after the flush interval.
func (x *exchange) copy(c *conn, body io.Reader, stream bool) error {
	buffer, release := x.buffer()
	defer release()
	var total int64
	pending := true // the head
	for {
		// After a full buffer there is more, and nothing of it was held back.
		if pending && total != x.head.length && !ready(c, body) {
			if err := x.pause(c, stream, total == 0); err != nil {
				return err
			}
			pending = false
		}
		n, err := body.Read(buffer)
		if n > 0 {
			total += int64(n)
			if _, err := x.w.Write(buffer[:n]); err != nil {
				return err
			}
			pending = n < len(buffer)
		}
		if errors.Is(err, io.EOF) {
			if x.head.length >= 0 && !x.head.chunked && total < x.head.length {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// buffer is a larger one for a large body.
func (x *exchange) buffer() (buffer []byte, release func()) {
	if x.head.length > largeSize {
		b := largeCopies.Get().(*[largeSize]byte)
		return b[:], func() { largeCopies.Put(b) }
	}
	b := copies.Get().(*[readSize]byte)
	return b[:], func() { copies.Put(b) }
}

// ready reports whether the next part is there already.
func ready(c *conn, body io.Reader) bool {
	if chunked, ok := body.(*chunks); ok && chunked.left == 0 {
		return c.r.Buffered() > len("\r\n") // of the chunk before
	}
	return c.r.Buffered() > 0
}

// headDelay is how long a head waits for the body of an answer that streams: most
// servers send both together, or nearly so.
const headDelay = time.Millisecond

// pause flushes before a read that may wait.
func (x *exchange) pause(c *conn, stream, first bool) error {
	delay := x.target.FlushInterval
	if stream {
		delay = 0
		if first {
			delay = headDelay
		}
	}
	if delay > 0 {
		x.deadline.wait(delay)
		_, err := c.r.Peek(1)
		x.deadline.wait(0)
		if !errors.Is(err, os.ErrDeadlineExceeded) || x.deadline.over() {
			return nil // there is more, or the next read tells what is wrong
		}
	}
	return http.NewResponseController(x.w).Flush()
}
