package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
)

// statusClientGone is what logs show for a client that left; nginx coined it.
const statusClientGone = 499

// forwarder returns a handler that sends requests to s. The path is the
// request's own: a path in the server's URL is for show, as in Traefik.
func (b *Balancer) forwarder(s *server, passHost bool) http.Handler {
	p, target := b.proxy, s.url
	return &httputil.ReverseProxy{
		Transport:     p.transport,
		BufferPool:    &p.buffers,
		FlushInterval: flushInterval,
		ErrorLog:      slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			b.failed(s, r, err)
			p.fail(w, r, err)
		},
		ModifyResponse: func(*http.Response) error {
			b.answered(s)
			return nil
		},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = target.Scheme
			r.Out.URL.Host = target.Host
			// As it was: ReverseProxy drops what it cannot parse, such as a;b.
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			if !passHost {
				r.Out.Host = target.Host
			}
			copyForwarded(r.Out, r.In)
		},
	}
}

// copyForwarded restores what the front set and ReverseProxy removed, by default
// or because the client named it in its Connection header.
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
	if prior := in.Header.Get("X-Forwarded-For"); prior != "" {
		host = prior + ", " + host
	}
	out.Header["X-Forwarded-For"] = []string{host}
}

// fail answers for a server that could not.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(r, err)
	p.log.Debug("request failed", "method", r.Method, "url", r.URL.Redacted(), "status", status, "error", err)
	text := http.StatusText(status)
	if status == statusClientGone {
		text = "Client Closed Request"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

func statusOf(r *http.Request, err error) int {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(r.Context().Err(), context.Canceled):
		return statusClientGone
	case errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
