package inbound

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"

	"axion/gateway/cancellation"
	"axion/gateway/proxy"
)

// Body is the body of r, of whose trailer only that is left which may be in one. R is
// to be the request that the server made: there the trailer comes.
func (p *Policy) Body(r *http.Request) *Body {
	p.cutTrailer(r.Trailer) // as announced
	b := &Body{ReadCloser: r.Body, request: r, policy: p}
	if c, ok := r.Context().Value(connectionKey{}).(*connection); ok && r.ProtoMajor == 1 {
		b.reads = c.reads
	}
	return b
}

// HasBody reports whether r may have a body that is still to come.
func HasBody(r *http.Request) bool {
	return r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
}

// Body is a request's body. Its methods but for Read are safe for concurrent use.
type Body struct {
	io.ReadCloser
	count    atomic.Int64
	complete atomic.Bool
	request  *http.Request
	policy   *Policy
	reads    *cancellation.Conn // over HTTP/1; nil where nothing notes them
}

// ReadBytes is how many bytes were read so far.
func (b *Body) ReadBytes() int64 { return b.count.Load() }

// Complete reports whether the body was read to its end.
func (b *Body) Complete() bool { return b.complete.Load() }

// Read reads the body. Of its trailer that comes which was announced, and that no
// middleware has taken from the request's Trailer since.
func (b *Body) Read(p []byte) (int, error) {
	var announced http.Header
	if len(b.request.Trailer) > 0 {
		announced = maps.Clone(b.request.Trailer)
	}
	n, err := b.ReadCloser.Read(p)
	b.count.Add(int64(n))
	if err != nil {
		b.end(errors.Is(err, io.EOF))
		maps.DeleteFunc(b.request.Trailer, func(name string, _ []string) bool {
			_, ok := announced[name]
			return !ok
		})
		b.policy.cutTrailer(b.request.Trailer)
	}
	return n, err
}

// end notes the end of the reading. Who sees the body complete must not interrupt it any
// more.
func (b *Body) end(complete bool) {
	if complete && b.reads != nil {
		b.reads.Complete()
	}
	b.complete.Store(complete)
}

// cutTrailer drops what counts before the body only (RFC 9110, section 6.5.1), and
// what a client may not say of itself: there are servers that take a trailer for a
// part of the header.
func (p *Policy) cutTrailer(trailer http.Header) {
	for name := range trailer {
		if !httpguts.ValidTrailerHeader(name) || strings.HasPrefix(name, "X-Forwarded-") || proxy.IsForwarded(name) ||
			(p.aliases.drop || p.aliases.reject) && p.aliases.concerns(name) {
			delete(trailer, name)
		}
	}
}
