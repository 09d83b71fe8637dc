package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/http1"
	"axion/gateway/steady"
)

// maxKept is up to where a body is kept so that it can be sent again, in bytes.
const maxKept = 8 << 10

// stopInterval is how soon a wait for the client is ended once more.
const stopInterval = 50 * time.Millisecond

type body = io.ReadCloser

// upload is a client's body on its way by net/http's client: it says whose fault a
// failure is, keeps a small one, and ends with the request.
type upload struct {
	io.ReadCloser
	control *http.ResponseController
	request *http.Request

	reading sync.Mutex // held by the one who reads
	left    int64      // bytes; negative where unknown
	kept    []byte     // what was read of a small one; else nil
	err     error

	gate *gate // nil where the body waits for nothing

	mu       sync.Mutex
	busy     bool // a read may wait for the client
	over     bool // nothing is read any more
	late     bool // a read waited for the client when the answer's time was over
	ended    bool // there is nothing more to read
	answered bool // an answer has begun
	// broken is why the body cannot be read; nil where that is because of stop.
	broken *http1.Error
	idle   chan struct{} // closed when no read is under way any more; nil while nobody waits
}

var errOver = errors.New("the request has ended")

// newUpload is nil where r has no body. Others may be answered before they are read.
func newUpload(w http.ResponseWriter, r *http.Request) *upload {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	u := &upload{ReadCloser: r.Body, control: http.NewResponseController(w), request: r, left: r.ContentLength}
	if r.ContentLength > 0 && r.ContentLength <= maxKept {
		u.kept = make([]byte, 0, r.ContentLength)
	}
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		u.gate = &gate{ended: make(chan struct{})}
	}
	_ = u.control.EnableFullDuplex() // HTTP/2 always is
	return u
}

// continueTimeout is how long a body waits for the server's 100.
const continueTimeout = time.Second

// gate keeps a body back from a server that has answered without asking for it:
// net/http's client would send it then, so as to keep the connection.
type gate struct {
	since atomic.Int64  // when the wait began, in Unix nanoseconds; 0 before
	open  atomic.Bool   // the server asked for the body
	ended chan struct{} // closed once the request has
}

// trace has the client report to g.
func (g *gate) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Wait100Continue: func() { g.since.CompareAndSwap(0, steady.Now().UnixNano()) },
		Got100Continue:  func() { g.open.Store(true) },
	})
}

// pass reports whether the body may go. Where it may not, it returns at the end of the
// request only: to fail earlier could take the place of the answer.
func (g *gate) pass() bool {
	since := g.since.Load()
	if g.open.Load() || since == 0 || steady.Now().Sub(time.Unix(0, since)) >= continueTimeout {
		g.open.Store(true)
		return true
	}
	<-g.ended
	return false
}

// Read reads what comes next.
func (u *upload) Read(p []byte) (int, error) {
	u.reading.Lock()
	defer u.reading.Unlock()
	return u.read(p)
}

func (u *upload) read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	if u.gate != nil && !u.gate.pass() || !u.begin(u.left != 0) {
		return 0, errOver
	}
	n, err := u.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = http1.BodyError(err)
	}
	u.end(err)
	if u.kept != nil {
		u.kept = append(u.kept, p[:n]...)
	}
	if u.left > 0 {
		u.left -= int64(n)
	}
	u.err = err
	return n, err
}

func (u *upload) begin(waits bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.busy = waits && !u.over
	return !u.over
}

func (u *upload) end(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if broken, ok := errors.AsType[*http1.Error](err); ok && !u.over {
		u.broken = broken
	}
	u.ended = err != nil
	if u.busy = false; u.idle != nil {
		close(u.idle)
		u.idle = nil
	}
}

// await gives what is closed when no read is under way; nil where none is. The caller
// holds mu.
func (u *upload) await() <-chan struct{} {
	if u.busy && u.idle == nil {
		u.idle = make(chan struct{})
	}
	return u.idle
}

// cause is why r, which failed with err, did, as an [http1.Error]: that may be the end of
// its context, which may come a moment before the reading's. Where stop has it end, the
// failure is the server's. What ends the context from now on does not count.
func cause(r *http.Request, err error) error {
	u, ok := r.Context().Value(uploadKey{}).(*upload)
	if !ok {
		return ended(r, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if end := r.Context().Err(); end != nil && u.broken != nil {
		return u.broken
	} else if (u.late || u.busy) && errors.Is(end, context.DeadlineExceeded) {
		return http1.BodyError(end) // the server waits for the client
	}
	if u.over && !errors.Is(err, context.Canceled) {
		return serverError(err)
	}
	return ended(r, err)
}

// ended is the end of r's context where that is why it failed, or else err.
func ended(r *http.Request, err error) error {
	switch cause := cancellation.Cause(r.Context()); {
	case errors.Is(cause, cancellation.ErrBodyTimeout):
		return http1.BodyError(cause)
	case cause != nil && !errors.Is(cause, cancellation.ErrInterrupted):
		return &http1.Error{Op: "read", Err: cause}
	}
	return serverError(err)
}

// serverError is err as the server's failure, unless it says whose it is.
func serverError(err error) error {
	if _, ok := errors.AsType[*http1.Error](err); ok {
		return err
	}
	return &http1.Error{Op: "read", Err: err}
}

// stop ends the reading, also one that waits for the client. Each read may set a
// deadline of its own, so that one of ours is not enough. It may be called again, and by
// any goroutine.
func (u *upload) stop() {
	u.mu.Lock()
	if u.gate != nil && !u.over {
		close(u.gate.ended)
	}
	u.over = true
	idle := u.await()
	u.mu.Unlock()
	if idle == nil {
		return
	}
	again := time.NewTicker(stopInterval)
	defer again.Stop()
	for {
		u.interrupt()
		select {
		case <-idle:
			return
		case <-again.C:
		}
	}
}

// expire ends the reading where ctx has ended by its deadline: net/http's client waits for
// the body's reader also then.
func (u *upload) expire(ctx context.Context) {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return
	}
	u.mu.Lock()
	u.late = u.busy
	u.mu.Unlock()
	u.stop()
}

// interrupt ends a read that waits. Once none does, the connection is another request's.
func (u *upload) interrupt() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.busy && cancellation.Interrupt(u.request) {
		_ = u.control.SetReadDeadline(time.Unix(1, 0))
	}
}

// closeTimeout is how long a read may go on that net/http's client wants no more of.
const closeTimeout = time.Second

// Close ends a read that waits for the client, as that client does for its answer: over
// HTTP/2 a request fails only after its last read. It gives an answer that is about to
// come the time to, which then ends the upload; and another connection, for a body that
// can be sent again. To end a read over HTTP/1 ends the request's context.
func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.ended && !u.over { // a read may be about to begin
		time.AfterFunc(closeTimeout, func() {
			if u.unanswered() {
				u.stop()
			}
		})
	}
	return nil
}

func (u *upload) unanswered() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.busy && !u.answered
}

// answer gives the answer's body, whose end ends the upload.
func (u *upload) answer(b body) body {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answered = true
	return answered{b, u}
}

// answered is the body of the answer to an upload. HTTP/2's is closed only when no more
// is sent: a client that waits for the answer first would wait for itself.
type answered struct {
	body
	upload *upload
}

// Close ends the upload, and then the answer.
func (a answered) Close() error {
	a.upload.stop()
	return a.body.Close()
}

type uploadKey struct{}

// in gives the context of the request that u belongs to.
func (u *upload) in(ctx context.Context) context.Context {
	if u.gate != nil {
		ctx = u.gate.trace(ctx)
	}
	return context.WithValue(ctx, uploadKey{}, u)
}

// endUpload has the end of an answer end the upload that it is one to.
func endUpload(res *http.Response) {
	if u, ok := res.Request.Context().Value(uploadKey{}).(*upload); ok {
		res.Body = u.answer(res.Body)
	}
}

// again reads a kept body from its beginning.
func (u *upload) again() body { return &replay{upload: u} }

// replay is a body that was read before, in part or as a whole.
type replay struct {
	upload *upload
	at     int
}

// Read reads what is kept, and then what comes.
func (r *replay) Read(p []byte) (int, error) {
	u := r.upload
	u.reading.Lock()
	defer u.reading.Unlock()
	if r.at < len(u.kept) {
		n := copy(p, u.kept[r.at:])
		r.at += n
		return n, nil
	}
	n, err := u.read(p)
	r.at += n
	return n, err
}

// Close ends a reading that goes on for long. Other than that the body may be read again.
func (r *replay) Close() error { return r.upload.Close() }
