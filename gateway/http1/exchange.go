package http1

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// exchange is one request and its answer.
type exchange struct {
	client *Client
	w      http.ResponseWriter
	r      *http.Request
	target *Target

	upgrade  string // the protocol that the client asks to change to
	switched bool   // it was changed to, and the connections are a tunnel's

	head  head
	heard bool // a byte of an answer came
	read  bool // the body was begun
	// sending is closed when the body is sent, or sendErr says why not; nil where no
	// goroutine sends it.
	sending chan struct{}
	sendErr error
	broken  atomic.Pointer[Error] // the client's body cannot be read to its end

	// The watch's own.
	conn          *conn
	cut           bool // the request has ended
	before, after *exchange
}

// replayable reports whether the request can be sent again: nothing was heard of the
// first time, and nothing of the body is gone.
func (x *exchange) replayable() bool {
	if x.heard || x.read || x.r.Context().Err() != nil {
		return false
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// run sends the request over c and the answer to the client.
func (x *exchange) run(c *conn) error {
	x.client.watch.add(x, c)
	c.begin()
	reusable, err := x.talk(c)
	if !x.switched { // else it is not watched any more
		reusable = x.client.watch.remove(x) && reusable
	}
	if x.sending != nil {
		if !reusable {
			_ = c.Conn.Close() // ends the sending too
			_ = http.NewResponseController(x.w).SetReadDeadline(past)
		}
		<-x.sending
	}
	switch {
	case x.switched:
	case reusable:
		c.pool.put(c)
	default:
		c.close()
	}
	if errors.Is(err, errAbort) {
		panic(http.ErrAbortHandler)
	}
	return err
}

// errAbort is a failure after the answer was begun.
var errAbort = errors.New("the answer was cut short")

// talk reports whether the connection can be used again.
func (x *exchange) talk(c *conn) (reusable bool, err error) {
	waits := x.expects()
	if err := x.send(c, waits); err != nil {
		return false, x.fail("write", err)
	}
	if t := x.client.opts.HeaderTimeout; t > 0 && x.sending == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(t))
		defer func() { _ = c.Conn.SetReadDeadline(time.Time{}) }()
	}
	for n := 0; ; n++ {
		if _, err := c.r.Peek(1); err != nil {
			return false, x.fail("read", err)
		}
		x.heard = true
		if err := readHead(c.r, &x.head); err != nil {
			return false, x.fail("header", err)
		}
		if x.head.status >= 200 {
			break
		}
		if x.head.status == http.StatusSwitchingProtocols {
			return false, x.switchTo(c)
		}
		if n == maxInformational {
			return false, &Error{Op: "header", Err: malformed("it has too many informational answers before it")}
		}
		x.inform(c, &waits)
	}
	if x.client.opts.HeaderTimeout > 0 {
		_ = c.Conn.SetReadDeadline(time.Time{})
	}
	return x.answer(c, waits)
}

// expects reports whether the client waits for the server's 100 before its body.
func (x *exchange) expects() bool {
	return hasBody(x.r) && strings.EqualFold(x.r.Header.Get("Expect"), "100-continue")
}

// fail is an error before the answer was begun. A context's end is the reason where
// there is one.
func (x *exchange) fail(op string, err error) error {
	if ctx := x.r.Context().Err(); ctx != nil {
		return &Error{Op: op, Err: ctx}
	}
	if broken := x.broken.Load(); broken != nil {
		return broken
	}
	return &Error{Op: op, Err: err}
}

// send writes the head, and the body where it need not wait: small ones with the
// head, others beside the reading of the answer.
func (x *exchange) send(c *conn, waits bool) error {
	buffer := buffers.Get().(*[]byte)
	b := appendFraming(appendHead((*buffer)[:0], x.r, x.target, x.upgrade), x.r)
	defer func() {
		if cap(b) <= 64<<10 {
			*buffer = b[:0]
			buffers.Put(buffer)
		}
	}()
	small := x.r.ContentLength > 0 && x.r.ContentLength <= smallBody
	if hasBody(x.r) && !waits && small {
		x.read = true
		start := len(b)
		b = append(b, make([]byte, x.r.ContentLength)...)
		if _, err := io.ReadFull(x.r.Body, b[start:]); err != nil {
			x.broken.Store(&Error{Op: opBody, Err: err})
			return err
		}
	}
	if _, err := c.Conn.Write(b); err != nil {
		return err
	}
	if hasBody(x.r) && !waits && !small {
		x.stream(c)
	}
	return nil
}

// stream sends the body in a goroutine of its own: the server may answer before it
// has all of it.
func (x *exchange) stream(c *conn) {
	x.read = true
	_ = http.NewResponseController(x.w).EnableFullDuplex() // HTTP/2 always is
	x.sending = make(chan struct{})
	go func() {
		defer close(x.sending)
		x.sendErr = sendBody(c.Conn, x.r)
		if broken, ok := errors.AsType[*Error](x.sendErr); ok {
			x.broken.Store(broken)
			_ = c.Conn.SetReadDeadline(past) // the server will not get the whole
		} else if x.sendErr != nil { // it may have an answer all the same
			_ = c.Conn.SetReadDeadline(time.Now().Add(time.Second))
		}
	}()
}

// inform hands a 1xx answer on; the server's 100 lets the body go.
func (x *exchange) inform(c *conn, waits *bool) {
	if x.head.status == http.StatusContinue {
		if *waits {
			*waits = false
			x.stream(c) // reading the body has net/http tell the client
		}
		return
	}
	h := x.w.Header()
	before := make(map[string][]string, len(x.head.fields))
	for _, f := range x.head.fields {
		before[f.name] = h[f.name]
	}
	for name := range before {
		delete(h, name)
	}
	x.head.tell(h)
	x.w.WriteHeader(x.head.status)
	for name, values := range before {
		if values == nil {
			delete(h, name)
		} else {
			h[name] = values
		}
	}
}

// answer sends the answer that counts.
func (x *exchange) answer(c *conn, waits bool) (bool, error) {
	h := x.head
	bodyless := x.r.Method == http.MethodHead || h.status == http.StatusNoContent || h.status == http.StatusNotModified
	header := x.w.Header()
	h.tell(header)
	if h.length >= 0 && h.status != http.StatusNoContent {
		header["Content-Length"] = []string{strconv.FormatInt(h.length, 10)}
	}
	if x.sending == nil && waits {
		// The client will not send its body; net/http must not read it either.
		header["Connection"] = []string{"close"}
	}
	x.announce()
	x.w.WriteHeader(h.status)
	if bodyless {
		return x.finish(c), nil
	}
	if err := x.copyBody(c); err != nil {
		return false, errAbort
	}
	return x.finish(c), nil
}

// announce tells the client of trailers that will come.
func (x *exchange) announce() {
	for _, f := range x.head.fields {
		if f.name == "Trailer" {
			x.w.Header()["Trailer"] = append(x.w.Header()["Trailer"], f.value)
		}
	}
}

// finish reports whether the connection can be used again.
func (x *exchange) finish(c *conn) bool {
	if x.head.close || c.r.Buffered() > 0 || !x.head.chunked && x.head.length < 0 && !x.without() {
		return false
	}
	if x.sending == nil {
		return !x.expects() || x.read
	}
	// The server has answered, so it has all of the body, unless the answer is an
	// early one: then the rest is not wanted.
	_ = http.NewResponseController(x.w).Flush()
	timer := time.NewTimer(lastByte)
	defer timer.Stop()
	select {
	case <-x.sending:
		return x.sendErr == nil
	case <-timer.C:
		return false
	}
}

// lastByte is how long the sending may take to notice that it is done.
const lastByte = 100 * time.Millisecond

func (x *exchange) without() bool {
	return x.r.Method == http.MethodHead || x.head.status == http.StatusNoContent || x.head.status == http.StatusNotModified
}
