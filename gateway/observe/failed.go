package observe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"axion/gateway/config"
)

const (
	// failureInterval and failureBurst bound how often failed requests are logged.
	failureInterval = time.Second
	failureBurst    = 5
)

// failures logs requests that a server or the gateway answers with a status of 500 and more. It
// is safe for concurrent use.
type failures struct {
	log     *slog.Logger
	limiter *rate.Limiter
	leftOut atomic.Int64 // since the last that was logged
}

func newFailures(log *slog.Logger) *failures {
	return &failures{log: log, limiter: rate.NewLimiter(rate.Every(failureInterval), failureBurst)}
}

// report logs a request, before its span ends.
func (f *failures) report(e *Exchange) {
	if e.service == "" || internal(e.service) || !enabled(e.quiet.AccessLogs) {
		return
	}
	if !f.limiter.Allow() {
		f.leftOut.Add(1)
		return
	}
	attrs := []slog.Attr{slog.String("service", config.BareName(e.service))}
	if n := f.leftOut.Swap(0); n > 0 {
		attrs = append(attrs, slog.Int64("failed_besides", n))
	}
	ctx := context.Background()
	if e.span.Span != nil {
		ctx = trace.ContextWithSpan(ctx, e.span.Span)
	}
	f.log.LogAttrs(ctx, slog.LevelWarn, fmt.Sprintf("%d %s: %s %s", e.status, http.StatusText(e.status), e.method,
		bounded(urlOf(e))), attrs...)
}

// urlOf is what the client asked for, without a query, which may hold a token.
func urlOf(e *Exchange) string {
	path := pathOf(e.uri)
	switch {
	case !strings.HasPrefix(path, "/"): // a whole URL, as clients send to a proxy
		return path
	case e.request.TLS != nil:
		return "https://" + e.host + path
	}
	return "http://" + e.host + path
}
