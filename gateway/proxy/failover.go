package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"axion/gateway/spool"
)

// statusRange is a range of statuses.
type statusRange struct{ from, to int }

func spansOf(list []string) ([]statusRange, error) {
	var spans []statusRange
	for _, text := range list {
		low, high, ok := strings.Cut(text, "-")
		if !ok {
			high = low
		}
		from, err := strconv.Atoi(strings.TrimSpace(low))
		to, err2 := strconv.Atoi(strings.TrimSpace(high))
		if err != nil || err2 != nil || from > to {
			return nil, fmt.Errorf("errors.status %q is not a status or a range such as 500-599", text)
		}
		spans = append(spans, statusRange{from, to})
	}
	return spans, nil
}

// tryMain answers from the fallback where the main service's answer is a failure.
func (f *failover) tryMain(w http.ResponseWriter, r *http.Request) {
	kept, whole, err := spool.Keep(r, f.limit)
	if kept != nil {
		defer kept.Close()
	}
	if err == nil && !whole {
		err = spool.ErrTooLarge
	}
	if err != nil {
		spool.Fail(w, r, err)
		return
	}
	second := r.Clone(r.Context())
	if kept != nil {
		r.Body, second.Body = io.NopCloser(kept.Reader()), io.NopCloser(kept.Reader())
	}
	s := &failoverWriter{ResponseWriter: w, header: http.Header{}, refuse: f.refuses}
	f.children[0].ServeHTTP(s, r)
	if s.refused {
		f.children[1].ServeHTTP(w, second)
		return
	}
	s.WriteHeader(http.StatusOK) // for a service that has said nothing
}

func (f *failover) refuses(status int) bool {
	for _, s := range f.statuses {
		if status >= s.from && status <= s.to {
			return true
		}
	}
	return false
}

// failoverWriter holds an answer back until its status is known to be a good one.
type failoverWriter struct {
	http.ResponseWriter
	header  http.Header
	refuse  func(status int) bool
	refused bool
	passed  bool
}

// Header is the answer's own until it has passed.
func (s *failoverWriter) Header() http.Header {
	if s.passed {
		return s.ResponseWriter.Header()
	}
	return s.header
}

// WriteHeader lets the answer pass, or drops it.
func (s *failoverWriter) WriteHeader(status int) {
	if s.passed || s.refused {
		return
	}
	if status >= 200 && s.refuse(status) {
		s.refused = true
		return
	}
	for name, values := range s.header {
		s.ResponseWriter.Header()[name] = values
	}
	s.passed = status >= 200 || status == http.StatusSwitchingProtocols
	s.ResponseWriter.WriteHeader(status)
}

func (s *failoverWriter) Write(p []byte) (int, error) {
	if s.WriteHeader(http.StatusOK); s.refused {
		return len(p), nil
	}
	return s.ResponseWriter.Write(p)
}

// Unwrap is the writer below, once the answer has passed.
func (s *failoverWriter) Unwrap() http.ResponseWriter {
	if s.refused {
		return nil
	}
	return s.ResponseWriter
}
