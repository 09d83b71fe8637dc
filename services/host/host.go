// Package host runs one service: its HTTP server with health, readiness and
// OpenAPI, its database, its connection to the bus, and the order in which they
// start and stop. A service package builds a [Host], registers its operations
// and handlers on it, and returns it to be started.
package host

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"axion/services/auth/verifier"
	"axion/services/bus"
	"axion/services/contract"
	"axion/services/store"
)

// Options are the settings of a service.
type Options struct {
	// Listener is where the service's HTTP server accepts; the host owns it.
	Listener net.Listener
	// Dir is the stack's data directory; the service keeps its state below
	// services/<name>.
	Dir string
	// Brokers are the Kafka seeds; Client has the other options of a connection to
	// them, such as SASL and TLS.
	Brokers []string
	Client  []kgo.Opt
	// Database is the URL of a PostgreSQL database, where the service has its own
	// schema. Empty: an SQLite file below Dir.
	Database string
	// Shared says that other instances of the service may run on the same
	// database.
	Shared bool
	// Version of the program, shown in OpenAPI.
	Version string
	// Issuer and KeysURL are the verifier's; see [verifier.Options].
	Issuer, KeysURL string
	// Auth is the kind of auth-service; zero means that it is found out.
	Auth AuthKind
	// Instance identifies one of the service's instances in its log. Empty: there is one,
	// or it does not matter.
	Instance string
	// Tracer makes the spans of requests and messages. Required.
	Tracer trace.TracerProvider
	// Metrics returns the meter provider of an instance of a service, and the handler of
	// its /metrics. Nil: there are no metrics.
	Metrics func(service, instance string) (metric.MeterProvider, http.Handler)
	// Log is the service's log. Required.
	Log *slog.Logger
}

// Host is one running service. The exported fields are set by [New] and are
// read-only; register operations and handlers before [Host.Start].
type Host struct {
	Name     string
	Dir      string // the service's own directory; with a Database it may not be there
	Shared   bool   // see [Options]
	DB       *sql.DB
	Bus      *bus.Bus
	API      huma.API
	Meter    metric.Meter // for the service's own metrics
	Mux      *http.ServeMux
	Log      *slog.Logger
	Verifier *verifier.Verifier

	server    *server
	tracer    trace.Tracer
	jobs      *jobs
	onStop    []func()
	leaveOnce sync.Once
	dependsOn []string // services that it requests from
	tokensBy  string   // the service that verifies tokens
	onClose   []func()
}

// New opens the service's database and its connection to the bus. migrations
// has the service's own SQL files. The host owns the listener: it is closed by
// Stop, and here on failure.
func New(ctx context.Context, name string, migrations fs.FS, o Options) (*Host, error) {
	log := o.Log.With("service", name)
	if o.Instance != "" {
		log = log.With("instance", o.Instance)
	}
	h := &Host{
		Name: name, Dir: filepath.Join(o.Dir, "services", name), Shared: o.Shared, Log: log,
		tracer: o.Tracer.Tracer("axion"), jobs: &jobs{service: name, failed: make(chan error, 1)},
	}
	meters, metrics := o.openMetrics(name)
	h.Meter = meters.Meter("axion/" + name)
	h.server = newServer(name, o.Listener, h.Index, h.tracer, h.Meter, log)
	h.Mux = h.server.mux
	err := h.open(ctx, migrations, o, meters)
	if err != nil {
		h.close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	h.tokensBy = contract.Auth
	if o.KeysURL != "" {
		h.tokensBy = "" // an identity provider elsewhere
	}
	settings := verifier.Options{Issuer: o.Issuer, KeysURL: o.KeysURL, Call: callAuth(h.Bus)}
	if o.Auth != AuthBuiltin {
		settings.WantsToken = (&authKindProbe{bus: h.Bus, log: log, tokens: o.Auth == AuthReplaced}).wantsToken
	}
	h.Verifier = verifier.New(settings)
	h.API = newAPI(h.Mux, name, o.Version)
	healthRoutes(h)
	if metrics != nil {
		h.Mux.Handle("GET /metrics", metrics)
	}
	return h, nil
}

// open opens the database, and connects to the bus.
func (h *Host) open(ctx context.Context, migrations fs.FS, o Options, meters metric.MeterProvider) (err error) {
	sets := []store.Migrations{{Name: "bus", FS: bus.Migrations()}, {Name: "service", FS: migrations}}
	if o.Database != "" {
		h.DB, err = store.Connect(ctx, o.Database, h.Name, sets...)
	} else {
		h.DB, err = store.Open(ctx, filepath.Join(h.Dir, "data.db"), sets...)
	}
	if err != nil {
		return restorable(h.Name, err)
	}
	observePool(h.Meter, h.DB, h.Name)
	settings := bus.Options{Service: h.Name, Brokers: o.Brokers, Client: o.Client, Log: h.Log, Tracer: o.Tracer, Meter: meters,
		Outage: func(err error) bool { return outage(h.DB, err) }}
	if o.Shared {
		settings.RelayLock = func(ctx context.Context) (func(), error) { return store.Lock(ctx, h.DB, "relay") }
	}
	h.Bus, err = bus.Open(ctx, settings)
	return err
}

// Go registers a background job that runs from Start until its context ends at
// Stop. A job that ends by itself with an error ends the service.
func (h *Host) Go(name string, run func(context.Context) error) {
	h.jobs.list = append(h.jobs.list, job{name, run})
}

// OnStop registers fn to run when the service stops, before its HTTP server
// waits for open requests: for closing WebSockets, which the server does not
// know.
func (h *Host) OnStop(fn func()) { h.onStop = append(h.onStop, fn) }

// Leave closes the WebSockets, and returns once their clients have disconnected: Stop
// begins with it. The proxies between them and the service must still run. Later calls
// return when the first has.
func (h *Host) Leave() {
	h.leaveOnce.Do(func() {
		for _, fn := range h.onStop {
			fn()
		}
	})
}

// OnClose registers fn to run when the service stops, once no handler runs any
// more and before the database closes: for ending what handlers start.
func (h *Host) OnClose(fn func()) { h.onClose = append(h.onClose, fn) }

// Start serves HTTP, joins the consumer group, runs the outbox relay and the jobs,
// and returns once the service has its partitions. Use Stop to end it.
func (h *Host) Start(ctx context.Context) error {
	h.jobs.start(ctx, append([]job{
		{"http", h.server.serve}, {"bus", h.Bus.Run}, {"storage", h.logDamage},
		{"outbox", func(ctx context.Context) error { return h.Bus.Relay(ctx, h.DB) }},
	}, h.jobs.list...))
	select {
	case <-h.Bus.Ready():
		return nil
	case err := <-h.jobs.failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: start: %w", h.Name, ctx.Err())
	}
}

// Failed delivers the error that ended a part of the running service; Stop
// closes it.
func (h *Host) Failed() <-chan error { return h.jobs.failed }

// Stop ends the service: WebSockets, then HTTP requests under way, then message
// handlers under way, then the bus and the database. It gives up waiting when
// ctx ends, and closes all the same. Call it once, after Start has returned.
func (h *Host) Stop(ctx context.Context) error {
	h.Leave()
	err := errors.Join(h.server.drain(ctx), h.jobs.stop(ctx))
	h.close()
	return err
}

// close closes what the jobs have used.
func (h *Host) close() {
	for _, fn := range h.onClose {
		fn()
	}
	_ = h.server.listener.Close()
	if h.Bus != nil {
		h.Bus.Close()
	}
	if h.DB != nil {
		_ = h.DB.Close()
	}
}

// Addr returns the address of the HTTP server.
func (h *Host) Addr() net.Addr { return h.server.listener.Addr() }

// Span starts a span of the service's own, a child of ctx's.
func (h *Host) Span(ctx context.Context, name string, kind trace.SpanKind) (context.Context, trace.Span) {
	return h.tracer.Start(ctx, name, trace.WithSpanKind(kind))
}
