package http1

import (
	"context"
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

// sender is a request, and what sends it to the server.
type sender struct {
	client *Client
	w      http.ResponseWriter
	r      *http.Request
	target *Target

	upgrade string // the protocol that the client asks to change to

	out         *[]byte // what is sent at first: the head, and a small body; nil once it is not needed
	whole       bool    // all of the body is in out
	wrote       bool    // a byte of out was taken by the connection
	awaiting100 bool    // the body waits for the server's 100
	// bodySent is closed when the body is sent, or sendErr says why not; nil where no
	// goroutine sends it.
	bodySent      chan struct{}
	sendErr       error
	reading       atomic.Bool           // that waits for the client
	clientBodyErr atomic.Pointer[Error] // the client's body cannot be read to its end

	deadline readDeadline // of the answer
}

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

// replayableUnheard is replayable where nothing was heard of the first time.
func (s *sender) replayableUnheard() bool {
	if s.bodySent != nil || s.clientBodyErr.Load() != nil || s.r.Context().Err() != nil {
		return false
	}
	return !s.wrote || s.awaiting100 || Idempotent(s.r)
}

// resendable notes in err, which may be nil, whether the request can be sent again.
func (x *exchange) resendable(err error) error {
	failed, ok := errors.AsType[*Error](err)
	if !ok || !x.replayable(err) {
		return err
	}
	switch {
	case !x.whole:
		failed.Resend = true
	case x.out != nil:
		failed.Resend, failed.Body = true, slices.Clone((*x.out)[len(*x.out)-int(x.r.ContentLength):])
	}
	return err
}

// prepare writes down what is sent at first, once: the head, and a small body unless it
// is to wait.
func (s *sender) prepare() error {
	if s.out != nil {
		return nil
	}
	s.out = buffers.Get().(*[]byte)
	b := appendFraming(appendHead((*s.out)[:0], s.r, s.target, s.upgrade), s.r)
	n := int(min(s.r.ContentLength, smallBody+1))
	if hasBody(s.r) && !s.awaiting100 && n > 0 && n <= smallBody {
		start := len(b)
		b = slices.Grow(b, n)[:start+n]
		if _, err := io.ReadFull(s.r.Body, b[start:]); err != nil {
			s.clientBodyErr.Store(BodyError(unexpected(err)))
			return s.wrapError(opBody, err)
		}
		s.whole = true
	}
	*s.out = b
	return nil
}

// discard gives the buffer of what is sent at first back.
func (s *sender) discard() {
	if s.out != nil && cap(*s.out) <= maxKept {
		buffers.Put(s.out)
	}
	s.out = nil
}

// send writes the head, and a small body. The rest of others goes beside the reading of
// the answer, unless it is to wait.
func (s *sender) send(c *conn, used bool) error {
	n, err := c.Conn.Write(*s.out)
	if s.wrote = n > 0; err != nil {
		return err
	}
	if !used && (s.target.Keep == nil || !s.target.Keep()) || !s.whole { // else it may have to be sent again, and the body is nowhere else
		s.discard()
	}
	if hasBody(s.r) && !s.awaiting100 && !s.whole {
		s.stream(c)
	}
	return nil
}

// stream sends the body in a goroutine of its own: the server may answer before it
// has all of it. The time for the answer's head counts from the body's end.
func (s *sender) stream(c *conn) {
	s.awaiting100 = false
	_ = http.NewResponseController(s.w).EnableFullDuplex() // HTTP/2 always is
	s.bodySent = make(chan struct{})
	go func() {
		defer close(s.bodySent)
		s.sendErr = s.sendBody(c.Conn)
		if broken, ok := errors.AsType[*Error](s.sendErr); ok {
			s.clientBodyErr.Store(broken)
			s.deadline.expire(false) // the server will not get the whole
		} else if s.sendErr != nil { // it may have an answer all the same
			s.deadline.awaitHead(lastWord)
		} else {
			s.deadline.awaitHead(s.client.opts.HeaderTimeout)
		}
	}()
}

// stopSending returns once no body is sent any more. The connection must be closed.
// Reading the client's body may set a deadline of its own, so that one is not enough.
func (s *sender) stopSending() {
	select {
	case <-s.bodySent: // the deadline would end the request's context
		return
	default:
	}
	control := http.NewResponseController(s.w)
	again := time.NewTicker(watchInterval)
	defer again.Stop()
	for {
		if cancellation.Interrupt(s.r) {
			_ = control.SetReadDeadline(past)
		}
		select {
		case <-s.bodySent:
			return
		case <-again.C:
		}
	}
}

// clientBody distinguishes failures of the client from those of the server.
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
func (s *sender) sendBody(to io.Writer) error {
	r := s.r
	buffer := copies.Get().(*[readSize]byte)
	defer copies.Put(buffer)
	body := clientBody{r.Body, &s.reading}
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

// wrapError is an error before the answer was begun. A context's end is the reason where
// there is one, unless that is because of this exchange.
func (s *sender) wrapError(op string, err error) error {
	broken := s.clientBodyErr.Load()
	if broken != nil && timedOut(broken) {
		return broken // the client is still there
	}
	switch cause := cancellation.Cause(s.r.Context()); {
	case errors.Is(cause, cancellation.ErrBodyTimeout): // its reader has yet to hear of it
		return BodyError(cause)
	case errors.Is(cause, context.DeadlineExceeded) && s.reading.Load(): // the server waits for the client
		return BodyError(cause)
	case cause != nil && !errors.Is(cause, cancellation.ErrInterrupted):
		return &Error{Op: op, Err: cause}
	}
	if broken != nil {
		return broken
	}
	return &Error{Op: op, Err: err}
}
