package observe

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/config"
	"axion/gateway/respwriter"
)

// Exchange is one request under observation, and the writer of its answer. It
// serves one request at a time, and is not to be used after End.
type Exchange struct {
	http.ResponseWriter
	observer   *Observer
	request    *http.Request
	entrypoint string
	start      time.Time
	// What the client sent, before middlewares rewrote it.
	host, method, uri string

	router, service string
	asked           string // the service whose server was asked last, one that service is made of
	middlewares     []string
	server          *url.URL
	received        Received // the request's body; nil where there is none
	duplex          bool     // the answer may begin before that has come
	quiet           config.Observability
	status          int
	size            int64
	retries         int
	span            span
	fault           string    // what broke the request on purpose
	dropped         bool      // by a fault: there is no answer
	dated           bool      // the answer's Date is ours
	user            string    // as a middleware knows it
	lasting         *detached // nil while the handlers are all there is
	detail          *detail   // what only an access log says; nil without one
}

var (
	_ respwriter.RetryRecorder  = (*Exchange)(nil)
	_ respwriter.ServerRecorder = (*Exchange)(nil)
	_ respwriter.Named          = (*Exchange)(nil)
)

// SetRoute notes which router takes the request, and what is not to be reported of it.
func (e *Exchange) SetRoute(router, service string, quiet *config.Observability) {
	e.router, e.service = router, service
	if quiet == nil {
		return
	}
	// What it leaves open the entrypoint may have said.
	e.quiet.AccessLogs = or(quiet.AccessLogs, e.quiet.AccessLogs)
	e.quiet.Metrics = or(quiet.Metrics, e.quiet.Metrics)
	e.quiet.Tracing = or(quiet.Tracing, e.quiet.Tracing)
}

func or(said, before *bool) *bool {
	if said != nil {
		return said
	}
	return before
}

// SetMiddlewares notes the middlewares of the route, in the order in which they run.
func (e *Exchange) SetMiddlewares(middlewares []string) { e.middlewares = middlewares }

// Received is a request's body as it is read. It is safe for concurrent use.
type Received interface {
	// ReadBytes is how many bytes of it were read so far.
	ReadBytes() int64
	// Complete reports whether it was read to its end.
	Complete() bool
}

// Receive has the bytes of the request's body counted.
func (e *Exchange) Receive(body Received) { e.received = body }

// SetServer notes the server that is asked, and the service that it is one of.
func (e *Exchange) SetServer(service string, u *url.URL) {
	e.asked, e.server = service, u
	if e.detail != nil {
		e.detail.ask()
	}
}

// Answered notes what the server answered.
func (e *Exchange) Answered(status int, size int64) {
	if e.detail != nil {
		e.detail.answer(e, status, size)
	}
}

// readBytes is how many bytes of the request's body were read.
func readBytes(e *Exchange) int64 {
	if e.received == nil {
		return 0
	}
	return e.received.ReadBytes()
}

// headerOf is that of the answer.
func headerOf(e *Exchange) http.Header {
	if e.detail != nil && e.detail.header != nil {
		return e.detail.header
	}
	return e.ResponseWriter.Header()
}

// serverURL is the server that was asked last, without the password, or empty.
func serverURL(e *Exchange) string {
	if e.server == nil {
		return ""
	}
	return e.server.Redacted()
}

// Fault notes what breaks the request on purpose, and whether that leaves it
// without an answer: its status is 0 then.
func (e *Exchange) Fault(name string, dropped bool) {
	if e.fault != "" {
		name = e.fault + ", " + name
	}
	e.fault, e.dropped = name, dropped
	e.span.fault(name)
}

// SetUser notes whose request it is.
func (e *Exchange) SetUser(name string) { e.user = name }

// Retried notes a further attempt.
func (e *Exchange) Retried() {
	e.retries++
	e.span.resent(e.retries)
}

// Unwrap is the writer below.
func (e *Exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// EnableFullDuplex lets the answer begin before the request's body has come.
func (e *Exchange) EnableFullDuplex() error {
	e.duplex = true
	return http.NewResponseController(e.ResponseWriter).EnableFullDuplex()
}

// begin notes the status of the answer that counts, as that begins. The rest of a body
// that net/http does not read by itself must not be taken for the next request.
func begin(e *Exchange, status int) {
	if e.status != 0 {
		return
	}
	e.status = status
	date(e)
	if e.duplex && e.received != nil && e.request.ProtoMajor == 1 && (!e.received.Complete() || cancellation.Interrupted(e.request)) {
		e.ResponseWriter.Header()["Connection"] = []string{"close"}
	}
}

// WriteHeader notes the status; informational ones pass.
func (e *Exchange) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		begin(e, status)
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *Exchange) Write(p []byte) (int, error) {
	begin(e, http.StatusOK)
	n, err := e.ResponseWriter.Write(p)
	e.size += int64(n)
	return n, err
}

// ReadFrom copies a body, by the kernel where the writer below can have it do so.
func (e *Exchange) ReadFrom(r io.Reader) (int64, error) {
	begin(e, http.StatusOK)
	n, err := respwriter.ReadFrom(e.ResponseWriter, r)
	e.size += n
	return n, err
}

// Hijack notes a request that became a connection of its own.
func (e *Exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, b, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err == nil && e.status == 0 {
		e.status = http.StatusSwitchingProtocols
	}
	if err == nil {
		e.span.end(e) // the connection may last for days
	}
	return c, b, err
}

// Flush sends what was written. It does nothing where the writer below cannot.
func (e *Exchange) Flush() {
	begin(e, http.StatusOK)
	_ = http.NewResponseController(e.ResponseWriter).Flush()
}

// End counts the request and writes its line.
func (e *Exchange) End() {
	if !e.dropped {
		begin(e, http.StatusOK)
	}
	took := time.Since(e.start)
	o := e.observer
	if e.status >= http.StatusInternalServerError {
		o.failed.report(e)
	}
	e.span.end(e)
	if enabled(e.quiet.Metrics) {
		o.metrics.count(e, took)
	}
	if log := o.access.Load(); log != nil && enabled(e.quiet.AccessLogs) {
		log.write(e, took)
	}
	if e.detail != nil {
		e.detail.release()
	}
	*e = Exchange{}
	o.pool.Put(e)
}

func enabled(b *bool) bool { return b == nil || *b }
