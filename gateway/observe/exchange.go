package observe

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"axion/gateway/config"
	"axion/gateway/record"
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
	received        *atomic.Int64 // bytes of the body that were read; nil where there is none
	quiet           config.Observability
	status          int
	size            int64
	retries         int
	span            trace.Span // nil without one
	fault           string     // what broke the request on purpose
	dropped         bool       // by a fault: there is no answer
	user            string     // as a middleware knows it
	lasting         *lasting   // nil while the handlers are all there is
	detail          *detail    // what only an access log tells; nil without one
}

var (
	_ record.Retrier = (*Exchange)(nil)
	_ record.Server  = (*Exchange)(nil)
	_ record.Named   = (*Exchange)(nil)
)

// Route notes which router takes the request, and what is not to be told of it.
func (e *Exchange) Route(router, service string, quiet *config.Observability) {
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

// Through notes the middlewares of the route, in the order in which they run.
func (e *Exchange) Through(middlewares []string) { e.middlewares = middlewares }

// Receive has the bytes of the request's body counted: n is what has been read so far,
// and may go on growing until the end.
func (e *Exchange) Receive(n *atomic.Int64) { e.received = n }

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
	return e.received.Load()
}

// headerOf is that of the answer.
func headerOf(e *Exchange) http.Header {
	if e.detail != nil && e.detail.header != nil {
		return e.detail.header
	}
	return e.ResponseWriter.Header()
}

// serverURL is the server that was asked last, without the password, or empty.
func (e *Exchange) serverURL() string {
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
	if e.span != nil {
		e.span.AddEvent("axion.fault", trace.WithAttributes(attribute.String("axion.fault", name)))
	}
}

// SetUser notes whose request it is.
func (e *Exchange) SetUser(name string) { e.user = name }

// Retried notes a further attempt.
func (e *Exchange) Retried() {
	e.retries++
	if e.span != nil {
		e.span.SetAttributes(attribute.Int("http.request.resend_count", e.retries))
	}
}

// Unwrap is the writer below.
func (e *Exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// WriteHeader notes the status; informational ones pass.
func (e *Exchange) WriteHeader(status int) {
	if e.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		e.status = status
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *Exchange) Write(p []byte) (int, error) {
	if e.status == 0 {
		e.status = http.StatusOK
	}
	n, err := e.ResponseWriter.Write(p)
	e.size += int64(n)
	return n, err
}

// ReadFrom copies a body, by the kernel where the writer below can have it do so.
func (e *Exchange) ReadFrom(r io.Reader) (int64, error) {
	if e.status == 0 {
		e.status = http.StatusOK
	}
	n, err := record.ReadFrom(e.ResponseWriter, r)
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
		e.endSpan() // the connection may last for days
	}
	return c, b, err
}

// Flush sends what was written. It does nothing where the writer below cannot.
func (e *Exchange) Flush() {
	if e.status == 0 {
		e.status = http.StatusOK
	}
	_ = http.NewResponseController(e.ResponseWriter).Flush()
}

// End counts the request and writes its line.
func (e *Exchange) End() {
	if e.status == 0 && !e.dropped {
		e.status = http.StatusOK
	}
	took := time.Since(e.start)
	e.endSpan()
	o := e.observer
	if on(e.quiet.Metrics) {
		o.metrics.count(e, took)
	}
	if log := o.access.Load(); log != nil && on(e.quiet.AccessLogs) {
		log.write(e, took)
	}
	if e.detail != nil {
		e.detail.release()
	}
	*e = Exchange{}
	o.pool.Put(e)
}

func on(b *bool) bool { return b == nil || *b }
