package observe

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// detail is what only an access log reports of a request: without one nothing of it is
// looked at.
type detail struct {
	client string            // X-Forwarded-For as trusted peers sent it; empty for none
	span   trace.SpanContext // invalid without a span
	header http.Header       // of the answer, where its writer is let go of before the end

	// Of the server that was asked last.
	asked  time.Time // zero where none was
	took   time.Duration
	status int
	size   int64
	origin http.Header // as the server's answer left it; nil where no header is reported
}

var details = sync.Pool{New: func() any { return new(detail) }}

func newDetail() *detail { return details.Get().(*detail) }

func (d *detail) release() {
	*d = detail{}
	details.Put(d)
}

// ask begins the time that a server takes. A second attempt begins it anew.
func (d *detail) ask() {
	d.asked = time.Now()
	d.took, d.status, d.size, d.origin = 0, 0, 0, nil
}

// answer ends it.
func (d *detail) answer(e *Exchange, status int, size int64) {
	if status == 0 && e.status == http.StatusSwitchingProtocols {
		status = e.status // written to the connection itself
	}
	d.took, d.status, d.size = time.Since(d.asked), status, size
	if log := e.observer.access.Load(); log != nil && log.headers {
		d.origin = maps.Clone(headerOf(e)) // middlewares change it on the way to the client
		if e.dated {
			delete(d.origin, "Date")
		}
	}
}
