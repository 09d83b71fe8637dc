package middleware

import (
	"io"
	"sync/atomic"
)

// defaultReplayBody is how much of a body is kept for further attempts by default,
// in bytes.
const defaultReplayBody = 2 << 20

// readErrTracker is a body that outlives attempts, as long as none has read of it.
type readErrTracker struct {
	io.ReadCloser
	begun atomic.Bool
}

// Read notes that this body cannot be sent again.
func (b *readErrTracker) Read(p []byte) (int, error) {
	b.begun.Store(true)
	return b.ReadCloser.Read(p)
}

// Close leaves the body to the server that gave it.
func (b *readErrTracker) Close() error { return nil }
