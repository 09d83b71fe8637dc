package host

import (
	"bufio"
	"net"
	"net/http"
)

// recorder records the status of a response, and the route of its request.
type recorder struct {
	http.ResponseWriter
	status int    // 0 until there is an answer
	route  string // the path's pattern, empty where there is no route
}

var (
	_ http.Hijacker = (*recorder)(nil)
	_ http.Flusher  = (*recorder)(nil)
)

// setRoute sets the route in the recorder in or below w.
func setRoute(w http.ResponseWriter, route string) {
	for w != nil {
		if rec, ok := w.(*recorder); ok {
			rec.route = route
			return
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = wrapper.Unwrap()
	}
}

// Unwrap returns the writer below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader records the status, but for informational ones.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Hijack records a request that became a WebSocket.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, b, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil && r.status == 0 {
		r.status = http.StatusSwitchingProtocols
	}
	return c, b, err
}

// Flush flushes what was written.
func (r *recorder) Flush() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	_ = http.NewResponseController(r.ResponseWriter).Flush()
}
