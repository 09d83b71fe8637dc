package middleware

import "net/http"

// headerEditor is a ResponseWriter that edits the header just before it is sent,
// whichever of the handler's calls sends it.
type headerEditor struct {
	http.ResponseWriter
	edit func(http.Header)
	sent bool
}

// WriteHeader edits and sends the header; informational ones pass as they are.
func (e *headerEditor) WriteHeader(status int) {
	if !e.sent && (status >= 200 || status == http.StatusSwitchingProtocols) {
		e.sent = true
		e.edit(e.Header())
	}
	e.ResponseWriter.WriteHeader(status)
}

// Write sends the header first, as every ResponseWriter does.
func (e *headerEditor) Write(p []byte) (int, error) {
	if !e.sent {
		e.WriteHeader(http.StatusOK)
	}
	return e.ResponseWriter.Write(p)
}

// FlushError sends what is buffered, the header included.
func (e *headerEditor) FlushError() error {
	if !e.sent {
		e.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(e.ResponseWriter).Flush()
}

// Unwrap lets [http.ResponseController] reach the connection.
func (e *headerEditor) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// finish edits the header of a handler that returned without a word.
func (e *headerEditor) finish() {
	if !e.sent {
		e.sent = true
		e.edit(e.Header())
	}
}
