package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/cancellation"
)

const (
	// smallBody is up to where a body is sent with the head, in bytes.
	smallBody = 8 << 10
	// maxKept is the largest buffer that is kept for another request, in bytes.
	maxKept = 64 << 10
	// continueTimeout is how long a body waits for the server's 100, as in net/http's
	// DefaultTransport: there are servers that never send it (RFC 9110, section 10.1.1).
	continueTimeout = time.Second
	// lastWord is how long a server that takes no more of a request may take to answer
	// it all the same.
	lastWord = time.Second
)

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// expectsContinue reports whether the client waits for the server's 100 before its body.
func expectsContinue(r *http.Request) bool {
	return hasBody(r) && strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}

// replayable reports whether the request, which failed with err, can be sent again:
// nothing was heard of the first time, all of it is still there, and either the server
// has not got it or may get it twice.
func (x *exchange) replayable(err error) bool {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return false // the server is there, and slow
	}
	return !x.responseStarted && x.replayableUnheard()
}

func (x *exchange) replayableUnheard() bool {
	if x.bodySent != nil || x.clientBodyErr.Load() != nil || x.r.Context().Err() != nil {
		return false
	}
	return !x.wrote || x.awaiting100 || Idempotent(x.r)
}

// prepare writes down what is sent at first, once: the head, and a small body unless it
// is to wait.
func (x *exchange) prepare() error {
	if x.out != nil {
		return nil
	}
	x.out = buffers.Get().(*[]byte)
	b := appendFraming(appendHead((*x.out)[:0], x.r, x.target, x.upgrade), x.r)
	n := int(min(x.r.ContentLength, smallBody+1))
	if hasBody(x.r) && !x.awaiting100 && n > 0 && n <= smallBody {
		start := len(b)
		b = slices.Grow(b, n)[:start+n]
		if _, err := io.ReadFull(x.r.Body, b[start:]); err != nil {
			x.clientBodyErr.Store(BodyError(unexpected(err)))
			return x.wrapError(opBody, err)
		}
		x.whole = true
	}
	*x.out = b
	return nil
}

// discard gives the buffer of what is sent at first back.
func (x *exchange) discard() {
	if x.out != nil && cap(*x.out) <= maxKept {
		buffers.Put(x.out)
	}
	x.out = nil
}

// send writes the head, and a small body. The rest of others goes beside the reading of
// the answer, unless it is to wait.
func (x *exchange) send(c *conn, used bool) error {
	n, err := c.Conn.Write(*x.out)
	if x.wrote = n > 0; err != nil {
		return err
	}
	if !used || !x.whole { // else it may have to be sent again, and the body is nowhere else
		x.discard()
	}
	if hasBody(x.r) && !x.awaiting100 && !x.whole {
		x.stream(c)
	}
	return nil
}

// stream sends the body in a goroutine of its own: the server may answer before it
// has all of it. The time for the answer's head counts from the body's end.
func (x *exchange) stream(c *conn) {
	x.awaiting100 = false
	_ = http.NewResponseController(x.w).EnableFullDuplex() // HTTP/2 always is
	x.bodySent = make(chan struct{})
	go func() {
		defer close(x.bodySent)
		x.sendErr = x.sendBody(c.Conn)
		if broken, ok := errors.AsType[*Error](x.sendErr); ok {
			x.clientBodyErr.Store(broken)
			x.deadline.expire(false) // the server will not get the whole
		} else if x.sendErr != nil { // it may have an answer all the same
			x.deadline.awaitHead(lastWord)
		} else {
			x.deadline.awaitHead(x.client.opts.HeaderTimeout)
		}
	}()
}

// stopSending returns once no body is sent any more. The connection must be closed.
// Reading the client's body may set a deadline of its own, so that one is not enough.
func (x *exchange) stopSending() {
	select {
	case <-x.bodySent: // the deadline would end the request's context
		return
	default:
	}
	control := http.NewResponseController(x.w)
	again := time.NewTicker(watchInterval)
	defer again.Stop()
	for {
		if cancellation.Interrupt(x.r) {
			_ = control.SetReadDeadline(past)
		}
		select {
		case <-x.bodySent:
			return
		case <-again.C:
		}
	}
}

// clientBody tells failures of the client from those of the server.
type clientBody struct {
	io.Reader
	reading *atomic.Bool
}

func (b clientBody) Read(p []byte) (int, error) {
	b.reading.Store(true)
	n, err := b.Reader.Read(p)
	b.reading.Store(false)
	if err != nil && !errors.Is(err, io.EOF) {
		err = BodyError(err)
	}
	return n, err
}

// sendBody copies the body to the server. Where the client is at fault, the error is
// an [*Error].
func (x *exchange) sendBody(to io.Writer) error {
	r := x.r
	buffer := copies.Get().(*[readSize]byte)
	defer copies.Put(buffer)
	body := clientBody{r.Body, &x.reading}
	if r.ContentLength > 0 {
		n, err := io.CopyBuffer(struct{ io.Writer }{to}, io.LimitReader(body, r.ContentLength), buffer[:])
		if err == nil && n < r.ContentLength {
			err = BodyError(io.ErrUnexpectedEOF)
		}
		return err
	}
	for {
		n, err := body.Read(buffer[:])
		if n > 0 {
			head := strconv.AppendInt(nil, int64(n), 16)
			bufs := net.Buffers{append(head, '\r', '\n'), buffer[:n], []byte("\r\n")}
			if _, werr := bufs.WriteTo(to); werr != nil {
				return werr
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	end := []byte("0\r\n")
	for name, values := range r.Trailer {
		for _, v := range values {
			end = appendField(end, name, v)
		}
	}
	_, err := to.Write(append(end, '\r', '\n'))
	return err
}
