package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"axion/gateway/cancellation"
	"axion/gateway/http1"
	"axion/gateway/respwriter"
	"axion/gateway/selfaddr"
	"axion/gateway/urlpath"
)

const statusClientGone = cancellation.StatusClientGone

// target is how requests are sent to a server.
type target struct {
	passHost  bool
	keepPath  bool // the server's own path goes first
	flush     time.Duration
	transport *Transport
}

// forwarder returns a handler that sends requests to s. The path is the request's
// own: a path in the server's URL is for show, as in Traefik, unless it is to be kept.
func (b *Balancer) forwarder(s *server, t target) http.Handler {
	if s.url.Scheme != "http" {
		return below(b.httpProxyForwarder(s, t), t)
	}
	to := &http1.Target{URL: s.url, PassHost: t.passHost, FlushInterval: t.flush, Keep: func() bool { return s.upstream.State() != nil }}
	return below(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.keepPath {
			r = atPath(r, s.url)
		}
		if err := t.transport.plain.Forward(w, r, to); err != nil { //nolint:contextcheck // its context is the request's
			b.handleError(w, r, s, err)
			return
		}
		s.noteRecovered()
	}), t)
}

// below keeps requests from leaving the server's own path, where that is kept.
func below(h http.Handler, t target) http.Handler {
	if !t.keepPath {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if urlpath.Dotted(r.URL.EscapedPath()) {
			http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// handleError answers for a server that did not, unless the request is tried again.
func (b *Balancer) handleError(w http.ResponseWriter, r *http.Request, s *server, err error) {
	if t, ok := w.(*timer); ok && t.holding.resend(r, s, err) {
		return
	}
	s.noteDialError(r, err)
	if status := statusOf(r, err); clientFault(err) && (status == http.StatusRequestTimeout || status == http.StatusBadRequest) {
		failBody(w, r, status)
		return
	}
	if u, ok := respwriter.Find[respwriter.FailureHandler](w); ok && u.Unreachable(err) {
		return
	}
	b.proxy.fail(w, r, b, s, err)
}

// failBody answers a request whose body could not be read.
func failBody(w http.ResponseWriter, r *http.Request, status int) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // what comes after the body cannot be distinguished from it
	}
	text := "the request's body is malformed or broke off"
	if status == http.StatusRequestTimeout {
		text = "the request's body did not come in time"
	}
	http.Error(w, text, status)
}

// headTooLarge reports whether the request's head is larger than its server said that it
// takes, over HTTP/2. Net/http has no value for it.
func headTooLarge(err error) bool {
	return strings.Contains(err.Error(), "larger than peer's advertised limit")
}

// atPath is r below the server's path.
func atPath(r *http.Request, server *url.URL) *http.Request {
	below, u := *r, *r.URL
	joinPath(&u, server)
	below.URL = &u
	return &below
}

// joinPath puts the server's path before the request's.
func joinPath(u, server *url.URL) {
	prefix := strings.TrimSuffix(server.EscapedPath(), "/")
	if prefix == "" {
		return
	}
	raw := prefix + u.EscapedPath()
	if plain, err := url.PathUnescape(raw); err == nil {
		u.Path, u.RawPath = plain, raw
	}
}

// clientFault reports whether the request's body could not be read.
func clientFault(err error) bool {
	e, ok := errors.AsType[*http1.Error](err)
	return ok && e.Client()
}

func statusOf(r *http.Request, err error) int {
	var timeout net.Error
	switch {
	case clientFault(err) && !errors.Is(err, context.Canceled):
		return http1.BodyStatus(r, err)
	case errors.Is(err, context.Canceled):
		return cancellation.Status(cancellation.Cause(r.Context()))
	case errors.Is(err, cancellation.ErrStopping):
		return cancellation.Status(err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusGatewayTimeout
	case headTooLarge(err):
		return http.StatusRequestHeaderFieldsTooLarge
	case errors.Is(err, selfaddr.ErrOwn):
		return http.StatusLoopDetected
	}
	return http.StatusBadGateway
}
