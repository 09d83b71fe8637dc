package middleware

import (
	"net/http"
	"sync"
)

// snapshot is what a header held, so that it can be so again when what was done to
// it since was in vain. Values that were changed in place are not undone.
type snapshot struct {
	fields []field
}

type field struct {
	name   string
	values []string
}

var snapshots = sync.Pool{New: func() any { return new(snapshot) }}

// saveHeaders takes a snapshot of h; release gives it back.
func saveHeaders(h http.Header) *snapshot {
	s := snapshots.Get().(*snapshot)
	for name, values := range h {
		// Without spare room, so that appending to it copies.
		s.fields = append(s.fields, field{name, values[:len(values):len(values)]})
	}
	return s
}

// restore makes h what it was.
func (s *snapshot) restore(h http.Header) {
	clear(h)
	for _, f := range s.fields {
		h[f.name] = f.values
	}
}

func (s *snapshot) release() {
	clear(s.fields)
	s.fields = s.fields[:0]
	snapshots.Put(s)
}
