// Package observe reports the gateway's requests: an access log in the Common Log
// Format or JSON, and Prometheus metrics under Traefik's names.
package observe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"axion/gateway/config"
)

// Observer counts requests and writes their lines. It is safe for concurrent use.
type Observer struct {
	context context.Context
	log     *slog.Logger
	output  io.Writer
	metrics *metrics
	failed  *failures
	access  atomic.Pointer[accessLog] // nil where none is written
	logged  atomic.Int64              // requests since the first log was opened
	pool    sync.Pool
	clock   clock
	tracer  trace.Tracer

	mu   sync.Mutex // guards file and path
	file *os.File
	path string
}

// Options of an [Observer].
type Options struct {
	// Context ends the requests that became connections of their own. Nil means that
	// they end by themselves.
	Context context.Context
	// Output receives the access log where it has no file of its own. Nil means
	// standard error: standard output belongs to the stack's own lines.
	Output io.Writer
	// Servers, Connections and Certificates are asked when the metrics are read. Nil
	// means that there are none to say.
	Servers      func() []Server
	Connections  func() []Connections
	Certificates func() []Certificate
	// Tracer makes a span of each request, unless its router says not to. Nil makes
	// none.
	Tracer trace.TracerProvider
	// Meter measures requests by OpenTelemetry's conventions, beside Traefik's
	// names. Nil leaves it at those.
	Meter metric.MeterProvider
	// Log receives requests that failed, and what is wrong with the access log. Nil discards.
	Log *slog.Logger
}

// New returns an observer that counts, and writes no access log until it is asked to
// to by Apply.
func New(opts Options) *Observer {
	o := &Observer{context: opts.Context, log: opts.Log, output: opts.Output}
	o.metrics = newMetrics(live{opts.Servers, opts.Connections, opts.Certificates}, histogram(opts.Meter))
	if o.context == nil {
		o.context = context.Background()
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	o.failed = newFailures(o.log)
	if o.output == nil {
		o.output = os.Stderr
	}
	if opts.Tracer != nil {
		o.tracer = opts.Tracer.Tracer("axion")
	}
	o.pool.New = func() any { return new(Exchange) }
	return o
}

// histogram is how long requests take, by OpenTelemetry's name.
func histogram(provider metric.MeterProvider) metric.Float64Histogram {
	if provider == nil {
		return nil
	}
	h, err := provider.Meter("axion/gateway").Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of HTTP server requests."))
	if err != nil {
		panic(err) // a name that no instrument can have
	}
	return h
}

// Apply takes over the settings of a configuration. An access log that cannot be
// opened, and metrics that cannot be counted, are an error: those before go on.
func (o *Observer) Apply(c *config.Static) error {
	return errors.Join(o.metrics.configure(c.Metrics), o.openLog(c.AccessLog))
}

// Keep sets what is configured from now on: the series of all else are reported once
// more, and then left out. It is to be called before requests reach what is new.
func (o *Observer) Keep(a Alive) { o.metrics.keep(func() *Alive { return &a }) }

// KeepFrom is Keep of what alive gives, which is called at most once, when it is needed.
func (o *Observer) KeepFrom(alive func() *Alive) { o.metrics.keep(sync.OnceValue(alive)) }

// Reloaded notes a configuration that came into force.
func (o *Observer) Reloaded() { o.metrics.reloaded() }

// Handler serves the metrics under Traefik's names in Prometheus's text form.
func (o *Observer) Handler() http.Handler { return o.metrics.handler() }

// Gatherer reads what Handler serves, for who says it among others. It has a method
// Scrape, of Gather's kind, for who hands on what it reads: after that the series of
// what is not configured any more are left out.
func (o *Observer) Gatherer() prometheus.Gatherer { return o.metrics }

// Close closes the access log's file.
func (o *Observer) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.access.Store(nil)
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return err
}

// Begin starts to observe a request: the handlers are to be given the exchange in
// place of w. Its End is to be called once they have returned.
func (o *Observer) Begin(w http.ResponseWriter, r *http.Request, entrypoint string) *Exchange {
	e := o.pool.Get().(*Exchange)
	*e = Exchange{ResponseWriter: w, observer: o, request: r, entrypoint: entrypoint, start: time.Now(),
		host: r.Host, method: r.Method, uri: r.RequestURI}
	if o.access.Load() != nil {
		e.detail = newDetail()
	}
	return e
}
