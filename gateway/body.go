package gateway

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// slowBody ends a request whose body does not go on within patience. A limit for
// the whole body, such as net/http's ReadTimeout, would end event streams and
// large uploads as well.
type slowBody struct {
	io.ReadCloser
	control  *http.ResponseController
	patience time.Duration
	released atomic.Bool
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.released.Load() {
		return b.ReadCloser.Read(p)
	}
	// An upgraded connection has no deadline of the server's any more.
	_ = b.control.SetReadDeadline(time.Now().Add(b.patience))
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

// release lets the connection wait for what comes after the body.
func (b *slowBody) release() {
	if !b.released.Swap(true) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
}
