package observe

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"

	"axion/gateway/respwriter"
)

var _ respwriter.Detacher = (*Exchange)(nil)

// detached is an exchange that outlasts its handlers.
type detached struct {
	mu    sync.Mutex
	ended bool
	then  []func()
}

// Detach has the exchange go on until end is called. It lets go of the writer below,
// and with it of the server's buffers.
func (e *Exchange) Detach() (ctx context.Context, end func()) {
	l := &detached{}
	e.lasting = l
	if e.detail != nil {
		e.detail.header = e.ResponseWriter.Header()
	}
	e.ResponseWriter = hijacked{}
	return e.observer.context, l.end
}

func (l *detached) end() {
	l.mu.Lock()
	l.ended = true
	then := l.then
	l.then = nil
	l.mu.Unlock()
	for _, f := range then {
		f()
	}
}

// OnDone calls f, or, where the exchange lasts, has it called at the end. It is for the
// goroutine that serves the request.
func (e *Exchange) OnDone(f func()) {
	if e.lasting == nil {
		f()
		return
	}
	e.lasting.mu.Lock()
	ended := e.lasting.ended
	if !ended {
		e.lasting.then = append(e.lasting.then, f)
	}
	e.lasting.mu.Unlock()
	if ended {
		f()
	}
}

// EndWith ends the exchange, and calls f; where the exchange lasts, it does both at the
// end.
func (e *Exchange) EndWith(f func()) {
	if e.lasting == nil { // as nearly always, and then without a closure
		e.End()
		f()
		return
	}
	e.OnDone(func() {
		e.End()
		f()
	})
}

// hijacked is the writer of a request that is a connection of its own now.
type hijacked struct{}

var _ http.Hijacker = hijacked{}

func (hijacked) Header() http.Header                          { return make(http.Header) }
func (hijacked) Write([]byte) (int, error)                    { return 0, http.ErrHijacked }
func (hijacked) WriteHeader(int)                              {}
func (hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrHijacked }
