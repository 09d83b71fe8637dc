package proxy

import (
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"axion/gateway/respwriter"
)

// timer is one request at a server: it notes when the answer begins, its status, and the
// bytes of its body.
type timer struct {
	http.ResponseWriter
	start  time.Time     // zero where nobody asks how long it took
	took   time.Duration // 0 while there is no answer
	status int
	size   int64

	server   *server
	holding  *holding                  // nil where nothing supervises the server
	observer respwriter.ServerRecorder // nil where there is none
	end      func()                    // ends the request, and gives the timer back
}

var timers sync.Pool

func newTimer(w http.ResponseWriter, s *server, observer respwriter.ServerRecorder) *timer {
	t, ok := timers.Get().(*timer)
	if !ok {
		t = &timer{}
		t.end = t.finish // a closure, made once
	}
	*t = timer{ResponseWriter: w, server: s, observer: observer, end: t.end}
	return t
}

func (t *timer) finish() {
	t.server.load.end(t.took)
	if t.observer != nil {
		t.observer.Answered(t.status, t.size)
	}
	*t = timer{end: t.end}
	timers.Put(t)
}

// WriteHeader notes the first final status.
func (t *timer) WriteHeader(status int) {
	if t.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		t.status = status
		if !t.start.IsZero() {
			t.took = time.Since(t.start)
		}
		if t.holding != nil {
			t.holding.answered(status, t.Header())
		}
	}
	t.ResponseWriter.WriteHeader(status)
}

// ReadFrom copies a body, by the kernel where the writer below can have it do so.
func (t *timer) ReadFrom(r io.Reader) (int64, error) {
	n, err := respwriter.ReadFrom(t.ResponseWriter, r)
	t.size += n
	return n, err
}

func (t *timer) Write(p []byte) (int, error) {
	n, err := t.ResponseWriter.Write(p)
	t.size += int64(n)
	return n, err
}

// Unwrap is the writer below.
func (t *timer) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// recordServer returns the observer, informed which server is asked; nil where there is
// none.
func recordServer(w http.ResponseWriter, service string, u *url.URL) respwriter.ServerRecorder {
	o, ok := respwriter.Find[respwriter.ServerRecorder](w)
	if ok {
		o.SetServer(service, u)
	}
	return o
}
