package spool

import (
	"errors"
	"io"
	"math"
	"net/http"

	"axion/gateway/http1"
)

// Keep reads r's body so that it can be sent several times. It is not whole where it is
// larger than limit, and then r has it still; a negative limit means none. The buffer is
// nil where there is no body, and is to be closed, also after an error. What has been
// read of the body is not put back in any other case.
func Keep(r *http.Request, limit int64) (kept *Buffer, whole bool, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, true, nil
	}
	if limit >= 0 && r.ContentLength > limit {
		return nil, false, nil
	}
	kept = &Buffer{Memory: DefaultMemory}
	from := &Source{Reader: r.Body}
	var bounded io.Reader = from
	if limit >= 0 && limit < math.MaxInt64 {
		bounded = io.LimitReader(from, limit+1)
	}
	_, err = io.Copy(kept, bounded)
	switch {
	case from.Err != nil:
		return kept, false, errors.Join(ErrUnreadable, from.Err)
	case err != nil:
		return kept, false, err
	case limit < 0 || kept.size <= limit:
		return kept, true, nil
	}
	r.Body = &rejoined{Reader: io.MultiReader(kept.Reader(), r.Body), Closer: r.Body}
	return kept, false, nil
}

// rejoined is a body whose begin has been read.
type rejoined struct {
	io.Reader
	io.Closer
}

// Source keeps an error of reading apart from those of writing what was read.
type Source struct {
	io.Reader
	// Err is the error that reading ended with; nil where that was the end.
	Err error
}

// Read keeps the error.
func (s *Source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.Err = err
	}
	return n, err
}

// Fail answers a request whose body could not be kept, for the reason err.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http1.BodyStatus(r, err)
	if errors.Is(err, ErrTooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // what comes after the body cannot be distinguished from it
	}
	http.Error(w, http.StatusText(status), status)
}
