package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"axion/gateway/config"
	"axion/gateway/http1"
	"axion/gateway/probe"
	"axion/gateway/respwriter"
	"axion/gateway/supervision"
)

// maxResends is how often a request is sent again that a server may have got before it
// ended: it may be what ends it.
const maxResends = 2

// resendPause is what a server that is about to end gets to close its listener.
const resendPause = 50 * time.Millisecond

// holding is one request at servers whose processes the stack supervises.
type holding struct {
	until   time.Time // when it waits no longer; zero before it first waits
	limit   time.Duration
	full    bool // too many wait already
	resends int  // of those that a server may have got
	again   bool // it got no answer, and can be sent again
	body    []byte
	server  *supervision.Server // that a request is under way at; nil for none
}

// begin counts the request as under way at a server, and reports whether it may be.
func (h *holding) begin(s *supervision.Server) bool {
	if !s.Begin() {
		return false
	}
	h.server = s
	return true
}

// end ends what begin began, once.
func (h *holding) end() {
	if h.server != nil {
		h.server.End()
		h.server = nil
	}
}

// answered is to be called when the head of the answer is there: the end of what may last
// for ever is not waited for before the server is ended.
func (h *holding) answered(status int, header http.Header) {
	if status == http.StatusSwitchingProtocols || strings.HasPrefix(header.Get("Content-Type"), "text/event-stream") {
		h.end()
	}
}

// serveSupervised is ServeHTTP where a server is supervised: the request waits while there
// is none, and is sent again where one ended without an answer. s is the server that was
// picked; nil for none.
func (b *Balancer) serveSupervised(w http.ResponseWriter, r *http.Request, s *server) {
	h, cookies := &holding{}, w.Header()["Set-Cookie"]
	for {
		if s == nil {
			if !b.awaitUp(r.Context(), h) {
				b.proxy.unavailable(w, r, b, h)
				return
			}
			w.Header()["Set-Cookie"] = cookies // of the server that did not answer
			if len(cookies) == 0 {
				w.Header().Del("Set-Cookie")
			}
			if s = b.pick(w, r); s == nil {
				continue
			}
		}
		if !h.begin(s.upstream) {
			b.change(func() bool { return true }) // it has not been reported here yet
			s = nil
			continue
		}
		h.again = false
		b.send(w, r, s, h)
		if !h.again {
			return
		}
		if h.body != nil {
			copied := *r
			copied.Body = io.NopCloser(strings.NewReader(string(h.body)))
			r = &copied
		}
		s = nil
	}
}

// resend reports whether a request that got no answer is sent again: nothing has been
// answered, it is there whole, and its server is one that may be back soon.
func (h *holding) resend(r *http.Request, s *server, err error) bool {
	failed, ok := errors.AsType[*http1.Error](err)
	if h == nil || !ok || failed.Client() || r.Context().Err() != nil {
		return false
	}
	dial, ok := errors.AsType[*net.OpError](err)
	unsent := failed.Dial || ok && dial.Op == "dial"
	if s.url.Scheme != "http" { // it was net/http's client
		failed.Resend = http1.Idempotent(r) && (r.Body == nil || r.Body == http.NoBody)
	}
	if !failed.Resend || !unsent && h.resends == maxResends || !s.upstream.Lost() {
		return false
	}
	if !unsent {
		h.resends++
		time.Sleep(resendPause)
	}
	h.again, h.body = true, failed.Body
	return true
}

// awaitUp waits until a server is up: one that is started anew for as long as requests to
// it wait, others for a moment. It reports whether one is.
func (b *Balancer) awaitUp(ctx context.Context, h *holding) bool {
	for {
		up := b.up.Load()
		if len(up.servers) > 0 {
			return true
		}
		switch state := b.absent(); {
		case state != nil && state.Hold > 0:
			if !b.hold(ctx, h, state) {
				return false
			}
		case len(up.probes) == 0:
			return false
		case probe.Wait(ctx, up.probes, b.Up):
			return true
		case ctx.Err() != nil || !time.Now().Before(h.until): // it did not wait for a process, or long enough
			return false
		default:
			time.Sleep(resendPause)
		}
	}
}

// hold waits until a server is up, or none of those that are supervised is to be waited
// for, and reports whether that came in time.
func (b *Balancer) hold(ctx context.Context, h *holding, state *supervision.State) bool {
	if !b.proxy.upstreams.Enter(state.Service) {
		h.full = true
		return false
	}
	defer b.proxy.upstreams.Leave(state.Service)
	b.retain() // a table that takes this one's place must not end the wait
	defer b.release()
	b.ProbeSoon()
	if h.until.IsZero() {
		h.until, h.limit = time.Now().Add(state.Hold), state.Hold
	}
	timer := time.NewTimer(time.Until(h.until))
	defer timer.Stop()
	for {
		changed := b.changes()
		if state = b.absent(); b.Up() || state == nil || state.Hold == 0 {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		case <-b.proxy.upstreams.Done():
			return false
		}
	}
}

// changes is closed when a server comes or goes.
func (b *Balancer) changes() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// absent is the state of the server that is to be up again first, of those that are
// supervised and are not; nil where all others are up, or none is supervised.
func (b *Balancer) absent() *supervision.State {
	var first *supervision.State
	for _, s := range b.servers {
		if now := s.upstream.State(); now != nil && !now.Up && (first == nil || now.Hold > first.Hold) {
			first = now
		}
	}
	return first
}

// retain has the balancer follow its servers until release is called as often: it begins
// with one.
func (b *Balancer) retain() {
	b.mu.Lock()
	b.users++
	b.mu.Unlock()
}

func (b *Balancer) release() {
	b.mu.Lock()
	b.users--
	last := b.users == 0
	b.mu.Unlock()
	if !last {
		return
	}
	for _, s := range b.servers {
		s.unwatch()
	}
}

// explain adds what is known of a supervised server to why a request was not answered.
func (f *failure) explain(state *supervision.State, h *holding) {
	f.Status, f.Retry = http.StatusServiceUnavailable, 1
	if f.Detail = state.Detail; f.Detail == "" {
		f.Detail = state.Service + " runs, and nothing listens at " + state.Address
	}
	switch {
	case h != nil && h.full:
		f.Detail += fmt.Sprintf(", and %d requests wait for it already", supervision.MaxHeld)
	case h != nil && !h.until.IsZero():
		f.Detail += ", held " + h.limit.String()
	}
	if f.Remedy = state.Hint; f.Remedy != "" {
		f.Remedy = strings.ToUpper(f.Remedy[:1]) + f.Remedy[1:] + "."
	}
	f.Hint = state.Hint
}

// retryAfter says in how many seconds it is worth while to ask again (RFC 9110, section
// 10.2.3).
func (f *failure) retryAfter(header http.Header) {
	if f.Retry > 0 {
		header.Set("Retry-After", strconv.Itoa(f.Retry))
	}
}

// send has a server answer r. h is nil where nothing supervises it.
func (b *Balancer) send(w http.ResponseWriter, r *http.Request, s *server, h *holding) {
	s.load.begin()
	t := newTimer(w, s, recordServer(w, b.name, s.url))
	t.holding = h
	if b.strategy == config.StrategyLeastTime {
		t.start = time.Now()
	}
	defer respwriter.OnDone(w, t.end)
	if h != nil {
		defer h.end() // also where the answer breaks off
	}
	s.handler.ServeHTTP(t, r)
	if h == nil || !h.again {
		b.recordStatus(s, t.status)
	}
}

// follow has the balancer follow its servers' processes.
func (b *Balancer) follow() (err error) {
	b.mu.Lock() // what is reported meanwhile waits
	defer b.mu.Unlock()
	b.users = 1
	for _, s := range b.servers {
		s.upstream, s.unwatch = b.proxy.upstreams.Watch(hostOf(s.url), func() { b.change(func() bool { return true }) })
	}
	up, err := b.choose()
	b.up.Store(up)
	return err
}
