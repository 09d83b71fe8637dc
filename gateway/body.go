package gateway

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// slowBody ends a request whose body does not go on within patience. A limit for
// the whole body, such as net/http's ReadTimeout, would end event streams and
// large uploads as well. Of the trailer it leaves what may be in one.
type slowBody struct {
	io.ReadCloser
	request  *http.Request
	control  *http.ResponseController
	patience time.Duration // 0 means no limit
	released atomic.Bool
	read     atomic.Int64 // bytes
}

func (b *slowBody) Read(p []byte) (int, error) {
	// An upgraded connection has no deadline of the server's any more.
	if b.patience > 0 && !b.released.Load() {
		_ = b.control.SetReadDeadline(time.Now().Add(b.patience))
	}
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	if err != nil {
		b.release()
		cutTrailer(b.request.Trailer)
	}
	return n, err
}

// release lets the connection wait for what comes after the body.
func (b *slowBody) release() {
	if b.patience > 0 && !b.released.Swap(true) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
}

// cutTrailer drops what counts before the body only (RFC 9110, section 6.5.1), and
// what a client may not say of itself: there are servers that take a trailer for a
// part of the header.
func cutTrailer(trailer http.Header) {
	for name := range trailer {
		if !httpguts.ValidTrailerHeader(name) || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" || name == "Forwarded" {
			delete(trailer, name)
		}
	}
}
