package middleware

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"

	"axion/gateway/respwriter"
	"axion/gateway/spool"
)

// buffered keeps a whole answer until deliver.
type buffered struct {
	http.ResponseWriter
	header   http.Header // the handler's, which began as what was set further out
	sent     http.Header // a copy of it, of when the status was given
	status   int         // 0 until then
	body     spool.Buffer
	err      error // of keeping the body
	decides  bool  // on retries, rather than a middleware further out
	hijacked bool
	retried  bool // by a middleware further out
}

var _ respwriter.FailureHandler = (*buffered)(nil)

// Header is kept as well.
func (b *buffered) Header() http.Header { return b.header }

// WriteHeader keeps the status; informational answers pass as they are.
func (b *buffered) WriteHeader(status int) {
	if status < 200 {
		out := b.ResponseWriter.Header()
		before := saveHeaders(out)
		defer before.release()
		replace(out, b.header)
		b.ResponseWriter.WriteHeader(status)
		before.restore(out)
		return
	}
	if b.status == 0 {
		b.status, b.sent = status, b.header.Clone()
	}
}

// Write keeps p. Once that has failed, it fails again.
func (b *buffered) Write(p []byte) (int, error) {
	if b.status == 0 {
		b.WriteHeader(http.StatusOK)
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Write(p)
	b.err = err
	return n, err
}

// FlushError does nothing: all is sent at the end.
func (b *buffered) FlushError() error { return nil }

// Hijack gives up the answer: what follows is the upgraded protocol's.
func (b *buffered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(b.ResponseWriter).Hijack()
	b.hijacked = err == nil
	return conn, buffer, err
}

// Unreachable leaves the retry to a middleware further out, if this one does not
// decide itself by what is answered.
func (b *buffered) Unreachable(err error) bool {
	if b.decides {
		return false
	}
	outer, ok := respwriter.Find[respwriter.FailureHandler](b.ResponseWriter)
	b.retried = ok && outer.Unreachable(err)
	return b.retried
}

// Unwrap lets [http.ResponseController] reach the connection.
func (b *buffered) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// fill has the request answered. A proxy may panic when it cannot hand on what it
// got; if that was since it could not be kept, err says so.
func (b *buffered) fill(next http.Handler, r *http.Request) {
	defer func() {
		if b.err == nil {
			return
		}
		if p := recover(); p != nil && p != any(http.ErrAbortHandler) {
			panic(p)
		}
	}()
	next.ServeHTTP(b, r)
}

// deliver answers.
func (b *buffered) deliver(status int) {
	header := b.sent
	if b.status == 0 {
		header = b.header
	}
	out := b.ResponseWriter.Header()
	replace(out, header)
	b.ResponseWriter.WriteHeader(status)
	if b.body.Size() > 0 && hasBody(status) {
		if _, err := io.Copy(b.ResponseWriter, b.body.Reader()); err != nil {
			panic(http.ErrAbortHandler) // the client sees that it was cut short
		}
	}
	if b.status != 0 {
		b.trailers(out)
	}
}

// trailers are what the handler set after the header: net/http sends those that
// were announced, or that have its prefix.
func (b *buffered) trailers(out http.Header) {
	for name, values := range b.header {
		if _, early := b.sent[name]; !early || strings.HasPrefix(name, http.TrailerPrefix) {
			out[name] = values
		}
	}
}

func replace(h, by http.Header) {
	clear(h)
	maps.Copy(h, by)
}
