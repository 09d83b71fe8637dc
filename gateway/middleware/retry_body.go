package middleware

import (
	"io"
	"math"
	"net/http"
	"sync/atomic"
)

// defaultReplayBody is how much of a body is kept for further attempts by default,
// in bytes.
const defaultReplayBody = 2 << 20

// keepBody reads r's body so that it can be sent several times. It is not whole where
// it is larger than limit, and then r has it still; a negative limit means none. The
// body that is kept is nil where there is none, and is to be closed.
func keepBody(r *http.Request, limit int64) (kept *spill, whole bool, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, true, nil
	}
	if limit >= 0 && r.ContentLength > limit {
		return nil, false, nil
	}
	kept = &spill{memory: inMemory}
	from := &faulty{Reader: r.Body}
	var bounded io.Reader = from
	if limit >= 0 && limit < math.MaxInt64 {
		bounded = io.LimitReader(from, limit+1)
	}
	_, err = io.Copy(kept, bounded)
	switch {
	case from.err != nil:
		return kept, false, from.err
	case err != nil:
		return kept, false, err
	case limit < 0 || kept.size <= limit:
		return kept, true, nil
	}
	begun, err := kept.reader()
	r.Body = &rejoined{Reader: io.MultiReader(begun, r.Body), Closer: r.Body}
	return kept, false, err
}

// rejoined is a body whose begin has been read.
type rejoined struct {
	io.Reader
	io.Closer
}

// failBody answers a request whose body could not be read.
func failBody(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadRequest
	switch {
	case r.Context().Err() != nil:
		status = statusClientLeft
	case timedOut(err):
		status = http.StatusRequestTimeout
	}
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // what comes after the body cannot be told from it
	}
	http.Error(w, http.StatusText(status), status)
}

// unread is a body that outlives attempts, as long as none has read of it.
type unread struct {
	io.ReadCloser
	begun atomic.Bool
}

// Read notes that this body cannot be sent again.
func (b *unread) Read(p []byte) (int, error) {
	b.begun.Store(true)
	return b.ReadCloser.Read(p)
}

// Close leaves the body to the server that gave it.
func (b *unread) Close() error { return nil }
