package observe

import (
	"encoding/hex"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

var propagator = propagation.TraceContext{}

// Trace begins the span of a request, once its route is known, and has forward,
// which is what the service gets, continue it (W3C Trace Context).
func (e *Exchange) Trace(forward *http.Request) {
	if e.detail != nil {
		e.detail.client = strings.Join(forward.Header["X-Forwarded-For"], ", ") // of trusted peers alone
	}
	if e.observer.tracer == nil || !enabled(e.quiet.Tracing) {
		return
	}
	ctx := forward.Context()
	if forward.Header[traceparent] != nil {
		ctx = propagator.Extract(ctx, propagation.HeaderCarrier(forward.Header))
	}
	// It begins now, which is microseconds after the request did: telling it when
	// would cost each request more than what is recorded of a few is worth.
	_, e.span.Span = e.observer.tracer.Start(ctx, e.method, ofServer...)
	if c := e.span.SpanContext(); c.IsValid() { // the state stays as it came
		forward.Header[traceparent] = []string{formatTraceparent(c)}
		if e.detail != nil {
			e.detail.span = c
		}
	}
}

// traceparent is the header's name as [http.Header] has it.
const traceparent = "Traceparent"

var ofServer = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}

// formatTraceparent is a span as the header has it. The propagator's own way takes several
// times as long, which each request would feel.
func formatTraceparent(c trace.SpanContext) string {
	var b [55]byte
	id, parent, flags := c.TraceID(), c.SpanID(), [1]byte{byte(c.TraceFlags() & trace.FlagsSampled)}
	copy(b[:], "00-")
	hex.Encode(b[3:], id[:])
	b[35] = '-'
	hex.Encode(b[36:], parent[:])
	b[52] = '-'
	hex.Encode(b[53:], flags[:])
	return string(b[:])
}

// span is that of a request; it has no Span where none is recorded.
type span struct{ trace.Span }

// fault records what breaks the request on purpose.
func (s span) fault(name string) {
	if s.Span != nil {
		s.AddEvent("axion.fault", trace.WithAttributes(attribute.String("axion.fault", name)))
	}
}

// resent records how often the request was sent again.
func (s span) resent(times int) {
	if s.Span != nil {
		s.SetAttributes(attribute.Int("http.request.resend_count", times))
	}
}

// end records in the span what became of the request, by OpenTelemetry's
// conventions for HTTP.
func (s *span) end(e *Exchange) {
	if s.Span == nil {
		return
	}
	if s.IsRecording() {
		host, _ := splitPort(e.host)
		s.SetName(e.method + " " + host + pathOf(e.uri))
		attributes := []attribute.KeyValue{
			attribute.String("http.request.method", e.method), attribute.String("url.path", pathOf(e.uri)),
			attribute.String("server.address", e.host), attribute.Int("http.response.status_code", e.status),
			attribute.String("client.address", e.request.RemoteAddr), attribute.Int64("http.response.body.size", e.size),
			attribute.String("traefik.entrypoint", e.entrypoint), attribute.String("traefik.router", e.router),
			attribute.String("traefik.service", e.service), attribute.String("traefik.server", serverURL(e)),
		}
		if len(e.middlewares) > 0 {
			attributes = append(attributes, attribute.StringSlice("traefik.middlewares", e.middlewares))
		}
		if e.status == http.StatusSwitchingProtocols {
			attributes = append(attributes, attribute.String("network.protocol.name", strings.ToLower(e.request.Header.Get("Upgrade"))))
		}
		if e.retries > 0 {
			attributes = append(attributes, attribute.Int("http.request.resend_count", e.retries))
		}
		if e.fault != "" {
			attributes = append(attributes, attribute.String("axion.fault", e.fault))
		}
		s.SetAttributes(attributes...)
		if e.dropped {
			s.SetStatus(codes.Error, "dropped by a fault")
		} else if e.status >= http.StatusInternalServerError || e.router == "" {
			s.SetStatus(codes.Error, http.StatusText(e.status))
		}
	}
	s.End()
	s.Span = nil
}

// pathOf leaves a query out: it may hold a token.
func pathOf(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	return path
}
