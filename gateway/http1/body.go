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

// responseBody copies an answer's body to the client.
type responseBody struct {
	w        http.ResponseWriter
	r        *http.Request
	head     *head
	server   *conn
	interval time.Duration // the target's FlushInterval
	deadline *readDeadline
}

// copyBody sends the body as it comes.
func (x *exchange) copyBody(c *conn) error {
	b := responseBody{w: x.w, r: x.r, head: &x.head, server: c, interval: x.target.FlushInterval, deadline: &x.deadline}
	return b.send()
}

// send copies the body as it comes.
func (b *responseBody) send() error {
	switch {
	case b.head.chunked:
		chunked := &chunks{r: b.server.r}
		if err := b.copy(chunked, true); err != nil {
			return err
		}
		if len(chunked.trailer) > 0 {
			_ = http.NewResponseController(b.w).Flush() // else a short answer gets a length, and no trailer
		}
		for _, f := range chunked.trailer {
			b.trail(f)
		}
		return nil
	case b.head.length >= 0 && b.head.length <= int64(b.server.r.Buffered()): // all of it came with the head
		all, _ := b.server.r.Peek(int(b.head.length))
		_, err := b.w.Write(all)
		_, _ = b.server.r.Discard(len(all))
		return err
	case b.head.length > largeSize && b.direct():
		return b.splice()
	case b.head.length >= 0:
		return b.copy(io.LimitReader(b.server.r, b.head.length), b.streams())
	}
	return b.copy(b.server.r, true)
}

// direct reports whether the answer leaves as it comes, without TLS or frames.
func (b *responseBody) direct() bool {
	_, ok := b.w.(io.ReaderFrom)
	return ok && b.r.TLS == nil && b.r.ProtoMajor == 1
}

// splice has the kernel copy a body of known length. Nothing of it is held back.
func (b *responseBody) splice() error {
	begun, _ := b.server.r.Peek(b.server.r.Buffered())
	n, err := b.w.Write(begun)
	if err != nil {
		return err
	}
	_, _ = b.server.r.Discard(n)
	if err := http.NewResponseController(b.w).Flush(); err != nil {
		return err
	}
	left := b.head.length - int64(n)
	passed, err := b.w.(io.ReaderFrom).ReadFrom(&io.LimitedReader{R: b.server.Conn, N: left})
	if err == nil && passed < left {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// trail sets a trailer; one that was not announced needs a prefix.
func (b *responseBody) trail(f field) {
	for _, line := range b.w.Header()["Trailer"] {
		if hasToken(line, f.name) {
			b.w.Header().Add(f.name, f.value)
			return
		}
	}
	b.w.Header().Add(http.TrailerPrefix+f.name, f.value)
}

// streams reports whether each part of the body matters by itself.
func (b *responseBody) streams() bool {
	kind := b.w.Header().Get("Content-Type")
	return b.interval <= 0 || strings.HasPrefix(kind, "text/event-stream") || strings.HasPrefix(kind, "application/grpc")
}

// copy hands parts on. Where the next is not there yet it flushes, at once if it is to
// stream, else after the flush interval.
func (b *responseBody) copy(from io.Reader, stream bool) error {
	buffer, release := b.buffer()
	defer release()
	var total int64
	pending := true // the head
	for {
		// After a full buffer there is more, and nothing of it was held back.
		if pending && total != b.head.length && !ready(b.server, from) {
			if err := b.pause(stream, total == 0); err != nil {
				return err
			}
			pending = false
		}
		n, err := from.Read(buffer)
		if n > 0 {
			total += int64(n)
			if _, err := b.w.Write(buffer[:n]); err != nil {
				return err
			}
			pending = n < len(buffer)
		}
		if errors.Is(err, io.EOF) {
			if b.head.length >= 0 && !b.head.chunked && total < b.head.length {
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
func (b *responseBody) buffer() (buffer []byte, release func()) {
	if b.head.length > largeSize {
		large := largeCopies.Get().(*[largeSize]byte)
		return large[:], func() { largeCopies.Put(large) }
	}
	small := copies.Get().(*[readSize]byte)
	return small[:], func() { copies.Put(small) }
}

// ready reports whether the next part is there already.
func ready(c *conn, from io.Reader) bool {
	if chunked, ok := from.(*chunks); ok && chunked.left == 0 {
		return c.r.Buffered() > len("\r\n") // of the chunk before
	}
	return c.r.Buffered() > 0
}

// headDelay is how long a head waits for the body of an answer that streams: most
// servers send both together, or nearly so.
const headDelay = time.Millisecond

// pause flushes before a read that may wait.
func (b *responseBody) pause(stream, first bool) error {
	delay := b.interval
	if stream {
		delay = 0
		if first {
			delay = headDelay
		}
	}
	if delay > 0 {
		b.deadline.wait(delay)
		_, err := b.server.r.Peek(1)
		b.deadline.wait(0)
		if !errors.Is(err, os.ErrDeadlineExceeded) || b.deadline.over() {
			return nil // there is more, or the next read says what is wrong
		}
	}
	return http.NewResponseController(b.w).Flush()
}
