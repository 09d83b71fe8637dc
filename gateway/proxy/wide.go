package proxy

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"axion/gateway/http1"
)

// httpProxyForwarder forwards over TLS and HTTP/2, by net/http's client. What differs there from
// package http1 is made the same here.
func (b *Balancer) httpProxyForwarder(s *server, t target) http.Handler {
	p, to := b.proxy, *s.url
	if to.Scheme == schemeH2C {
		to.Scheme = "http"
	}
	forward := &httputil.ReverseProxy{
		Transport:     t.transport.to(s.url.Scheme),
		BufferPool:    &p.buffers,
		FlushInterval: t.flush,
		ErrorLog:      slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if i, ok := w.(*interim); ok {
				w = i.ResponseWriter
			}
			b.handleError(w, r, s, cause(r, err))
		},
		ModifyResponse: func(res *http.Response) error {
			s.noteRecovered()
			endUpload(res)
			return nil
		},
		Rewrite: func(r *httputil.ProxyRequest) { rewrite(r, &to, t) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u := newUpload(w, r); u != nil {
			defer u.stop()
			ctx := r.Context()
			defer context.AfterFunc(ctx, func() { u.expire(ctx) })()
			r = r.WithContext(u.in(r.Context()))
			r.Body = u
		}
		defer func() {
			if failed := recover(); failed != nil {
				_ = http.NewResponseController(w).Flush() // what there is of the answer, before the connection ends
				panic(failed)
			}
		}()
		i := newInterim(w, r)
		defer i.release()
		forward.ServeHTTP(i, r)
	})
}

// rewrite makes the request that a server gets.
func rewrite(r *httputil.ProxyRequest, to *url.URL, t target) {
	r.Out.URL.Scheme = to.Scheme
	r.Out.URL.Host = to.Host
	if t.keepPath {
		joinPath(r.Out.URL, to)
	}
	// As it was: ReverseProxy drops what it cannot parse, such as a;b.
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	if !t.passHost {
		r.Out.Host = to.Host
	}
	copyForwarded(r.Out, r.In)
	if http1.Upgrade(r.In) == "" {
		delete(r.Out.Header, "Connection")
		delete(r.Out.Header, "Upgrade")
	}
	r.Out.Trailer = r.In.Trailer // a copy would stay without values
	switch u, ok := r.In.Body.(*upload); {
	case ok && u.kept != nil:
		// Unread, it costs nothing; a connection that turns out to be closed can be
		// replaced with it.
		r.Out.Body, r.Out.GetBody = u.again(), func() (body, error) { return u.again(), nil }
	case ok:
		r.Out.Body = u // ReverseProxy's own hides that it is closed
	}
	if r.Out.Header["Idempotency-Key"] == nil && http1.Idempotent(r.In) {
		r.Out.Header["Idempotency-Key"] = []string{} // is not sent, and has net/http try again
	}
}

// copyForwarded restores what the entrypoint set and ReverseProxy removed, by default
// or because the client named it in its Connection header. X-Forwarded-For is left out
// where it is there without a value.
func copyForwarded(out, in *http.Request) {
	for _, name := range forwarded {
		if values, ok := in.Header[name]; ok {
			out.Header[name] = values
		}
	}
	host, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		return
	}
	prior, there := in.Header["X-Forwarded-For"]
	if there && prior == nil {
		return
	}
	if len(prior) > 0 {
		host = strings.Join(prior, ", ") + ", " + host
	}
	out.Header["X-Forwarded-For"] = []string{host}
}
