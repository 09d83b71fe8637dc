package http1

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"time"
)

// exchange is one request and its answer.
type exchange struct {
	sender

	switched bool          // the protocol was changed, and the connections are a tunnel's
	unused   time.Duration // how long the connection was before

	head            head
	responseStarted bool // a byte of an answer came

	// The watch's own.
	cut           bool // the request has ended
	before, after *exchange
}

// run sends the request over c and the answer to the client.
func (x *exchange) run(c *conn, used bool) error {
	x.deadline = readDeadline{conn: c}
	x.client.watch.add(x)
	c.begin()
	reusable, err := x.roundTrip(c, used)
	if !x.switched { // else it is not watched any more
		reusable = x.client.watch.remove(x) && reusable
	}
	if x.bodySent != nil {
		if !reusable {
			_ = c.Conn.Close()
			x.stopSending()
		}
		<-x.bodySent
	}
	switch {
	case x.switched:
	case reusable:
		c.lease = max(x.head.keep-leaseMargin, x.head.keep/2)
		c.pool.put(c)
	default:
		c.close()
	}
	if errors.Is(err, errAbort) {
		panic(http.ErrAbortHandler)
	}
	return err
}

// leaseMargin is how much earlier than the server says a connection counts as closed:
// a request must not meet its end on the way.
const leaseMargin = time.Second

// errAbort is a failure after the answer was begun.
var errAbort = errors.New("the answer was cut short")

// roundTrip reports whether the connection can be used again.
func (x *exchange) roundTrip(c *conn, used bool) (reusable bool, err error) {
	failed := x.send(c, used)
	if failed != nil && used {
		return false, x.wrapError("write", failed)
	}
	switch limit := x.client.opts.HeaderTimeout; {
	case failed != nil: // it may have answered before it closed the connection
		x.deadline.wait(lastWord)
	case x.awaiting100:
		x.deadline.wait(continueTimeout)
	case x.bodySent == nil && limit > 0: // else it counts from the end of the body
		x.deadline.wait(limit)
	}
	if err := x.readHeads(c, used, failed); err != nil {
		return false, err
	}
	if x.head.status == http.StatusSwitchingProtocols {
		return false, x.upgradeTo(c)
	}
	if x.bodySent != nil || x.deadline.set {
		x.deadline.start()
	}
	reusable, err = x.answer(c)
	return reusable && failed == nil, err
}

// readHeads reads the heads of an answer up to that of the final one, or of one that
// switches protocols. failed is why the request was not sent whole; nil if it was.
func (x *exchange) readHeads(c *conn, used bool, failed error) error {
	for {
		if err := x.await(c); err != nil {
			if failed != nil {
				return x.wrapError("write", failed)
			}
			return x.wrapError("read", err)
		}
		if err := readHead(c.r, &x.head); err != nil {
			return x.wrapError("header", err)
		}
		if used && x.unasked() {
			return x.wrapError("read", errUnasked)
		}
		if x.head.status >= 200 || x.head.status == http.StatusSwitchingProtocols {
			return nil
		}
		x.write1xx(c)
	}
}

var errUnasked = errors.New("the server ended the connection, as no request had come")

// unasked reports whether the head may be that of a server which gave up waiting for a
// request just before this one, and the request can be sent again (RFC 9110, section
// 15.5.9).
func (x *exchange) unasked() bool {
	if x.head.status != http.StatusRequestTimeout || !x.head.close {
		return false
	}
	x.responseStarted = !x.replayableUnheard()
	return !x.responseStarted
}

// await returns once a byte of an answer has come. A body that waits for the server's
// word goes on its way where none comes.
func (x *exchange) await(c *conn) error {
	_, err := c.r.Peek(1)
	if x.awaiting100 && errors.Is(err, os.ErrDeadlineExceeded) && !x.deadline.over() {
		x.deadline.wait(0)
		x.stream(c)
		_, err = c.r.Peek(1)
	}
	if err == nil {
		x.responseStarted = true
	}
	return err
}

// write1xx hands a 1xx answer on; the server's 100 lets the body go.
func (x *exchange) write1xx(c *conn) {
	if x.head.status == http.StatusContinue {
		if x.awaiting100 {
			x.deadline.wait(0)
			x.stream(c) // reading the body has net/http inform the client
		}
		return
	}
	if !x.r.ProtoAtLeast(1, 1) { // RFC 9110, section 15.2
		return
	}
	h, before := x.w.Header(), maps.Clone(x.w.Header())
	for _, f := range x.head.fields {
		delete(h, f.name)
	}
	x.head.writeTo(h)
	x.w.WriteHeader(x.head.status)
	clear(h)
	maps.Copy(h, before)
}

// answer sends the answer that counts.
func (x *exchange) answer(c *conn) (bool, error) {
	h := &x.head
	bodyless := x.r.Method == http.MethodHead || h.status == http.StatusNoContent || h.status == http.StatusNotModified
	header := x.w.Header()
	spare := h.writeTo(header)
	if h.length >= 0 && h.status != http.StatusNoContent {
		spare[0] = h.decimal()
		header["Content-Length"] = spare
	}
	if x.awaiting100 && x.r.ProtoMajor == 1 {
		// The client will not send its body; net/http must not read it either.
		header["Connection"] = []string{"close"}
	}
	x.announceTrailers()
	x.w.WriteHeader(h.status)
	if bodyless {
		return x.reusable(c), nil
	}
	if err := x.copyBody(c); err != nil {
		_ = http.NewResponseController(x.w).Flush() // what there is of it, before the connection ends
		return false, errAbort
	}
	return x.reusable(c), nil
}

// announceTrailers announces to the client the trailers that will come.
func (x *exchange) announceTrailers() {
	for _, f := range x.head.fields {
		if f.name == "Trailer" {
			x.w.Header()["Trailer"] = append(x.w.Header()["Trailer"], f.value)
		}
	}
}

// reusable reports whether the connection can be used again.
func (x *exchange) reusable(c *conn) bool {
	if x.head.close || c.r.Buffered() > 0 || !x.head.chunked && x.head.length < 0 && !x.hasNoBody() {
		return false
	}
	if x.bodySent == nil {
		return !x.awaiting100
	}
	// The server has answered, so it has all of the body, unless the answer is an
	// early one: then the rest is not wanted.
	_ = http.NewResponseController(x.w).Flush()
	timer := time.NewTimer(lastByte)
	defer timer.Stop()
	select {
	case <-x.bodySent:
		return x.sendErr == nil
	case <-timer.C:
		return false
	}
}

// lastByte is how long the sending may take to notice that it is done.
const lastByte = 100 * time.Millisecond

func (x *exchange) hasNoBody() bool {
	return x.r.Method == http.MethodHead || x.head.status == http.StatusNoContent || x.head.status == http.StatusNotModified
}
