package host

import (
	"bufio"
	"net"
	"net/http"
	"strings"

	"github.com/felixge/httpsnoop"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// trace starts a request's span, a child of the client's; the request that it
// returns has that span, and end ends it. Health checks, of which there are some
// each second, have none.
func (s *server) trace(w http.ResponseWriter, r *http.Request) (_ http.ResponseWriter, _ *http.Request, end func()) {
	if r.URL.Path == "/health" || r.URL.Path == "/ready" {
		return w, r, func() {}
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.tracer.Start(ctx, r.Method+" "+r.URL.Path, trace.WithSpanKind(trace.SpanKindServer))
	r = r.WithContext(ctx)
	if !span.IsRecording() {
		return w, r, func() { span.End() }
	}
	status := http.StatusOK
	w = httpsnoop.Wrap(w, httpsnoop.Hooks{
		WriteHeader: func(next httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
			return func(code int) { status = code; next(code) }
		},
		Hijack: func(next httpsnoop.HijackFunc) httpsnoop.HijackFunc { // a WebSocket may last for days
			return func() (net.Conn, *bufio.ReadWriter, error) {
				status = http.StatusSwitchingProtocols
				span.SetAttributes(attribute.String("network.protocol.name", "websocket"))
				endSpan(span, r, status)
				return next()
			}
		},
	})
	return w, r, func() { endSpan(span, r, status) } // does nothing where it has ended
}

// endSpan ends a request's span, with the attributes of OpenTelemetry's conventions for
// HTTP servers.
func endSpan(span trace.Span, r *http.Request, status int) {
	defer span.End()
	span.SetAttributes(attribute.String("http.request.method", r.Method), attribute.String("url.path", r.URL.Path),
		attribute.String("url.scheme", "http"), attribute.String("server.address", r.Host),
		attribute.String("network.protocol.version", strings.TrimPrefix(r.Proto, "HTTP/")), attribute.Int("http.response.status_code", status))
	if _, route, ok := strings.Cut(r.Pattern, " "); ok {
		span.SetName(r.Method + " " + route)
		span.SetAttributes(attribute.String("http.route", route))
	}
	if agent := r.UserAgent(); agent != "" {
		span.SetAttributes(attribute.String("user_agent.original", agent))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
}
