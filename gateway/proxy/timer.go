package proxy

import (
	"io"
	"net/http"
	"net/url"
	"time"

	"axion/gateway/record"
)

// timer notes when an answer begins, and its status.
type timer struct {
	http.ResponseWriter
	start  time.Time
	took   time.Duration // 0 while there is no answer
	status int
}

// WriteHeader notes the first final status.
func (t *timer) WriteHeader(status int) {
	if t.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		t.status, t.took = status, time.Since(t.start)
	}
	t.ResponseWriter.WriteHeader(status)
}

// ReadFrom copies a body, by the kernel where the writer below can have it do so.
func (t *timer) ReadFrom(r io.Reader) (int64, error) { return record.ReadFrom(t.ResponseWriter, r) }

// Unwrap is the writer below.
func (t *timer) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// tell tells the observer which server is asked.
func tell(w http.ResponseWriter, u *url.URL) {
	if o, ok := record.Find[record.Server](w); ok {
		o.SetServer(u)
	}
}
