// Package respwriter is how a handler deep in a chain talks to the response writers
// around it: it finds, behind any number of wrappers, the one that offers a power.
package respwriter

import (
	"net/http"
	"net/url"
)

// FailureHandler is a response writer that wants to know that no answer came.
type FailureHandler interface {
	// Unreachable takes the failure to get an answer, before a byte of it came. Where
	// it returns true, the caller returns without having written anything: the
	// request is asked again.
	Unreachable(err error) bool
}

// RetryRecorder is a response writer that counts how often a request was asked again.
type RetryRecorder interface {
	// Retried is called before each further attempt, by the request's goroutine.
	Retried()
}

// Find gives the first writer, from w on, that is a T. It follows Unwrap, as
// [http.ResponseController] does.
func Find[T any](w http.ResponseWriter) (T, bool) {
	for {
		if found, ok := w.(T); ok {
			return found, true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			var none T
			return none, false
		}
		w = u.Unwrap()
	}
}

// ServerRecorder is a response writer that notes which server is asked, and what came of it.
// Its methods are for the goroutine that serves the request.
type ServerRecorder interface {
	// SetServer is called before a server of the service of that name is asked.
	SetServer(service string, u *url.URL)
	// Answered is called once it has been, with the answer's status and the bytes of
	// its body: 0 where there was none. Of an upgraded connection that is at its end.
	Answered(status int, size int64)
}

// Named is a response writer that notes which user a request is of.
type Named interface {
	SetUser(name string)
}

// User notes in w, where it takes notes, the user whose request it answers.
func User(w http.ResponseWriter, name string) {
	if n, ok := Find[Named](w); ok && name != "" {
		n.SetUser(name)
	}
}
