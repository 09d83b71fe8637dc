// Package host runs one service: its HTTP server with health, readiness and
// OpenAPI, its database, its place on the bus, and the order in which they
// start and stop. A service package builds a [Host], registers its operations
// and handlers on it, and hands it back to be started.
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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"axion/services/auth/verifier"
	"axion/services/bus"
	"axion/services/contract"
	"axion/services/store"
)

// Options is what the stack gives each service.
type Options struct {
	// Listener is where the service's HTTP server accepts; the host owns it.
	Listener net.Listener
	// Dir is the stack's data directory; the service keeps its state below
	// services/<name>.
	Dir string
	// Brokers are the Kafka seeds; Client is what else it takes to connect to
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
	// Auth says what auth-service is; zero means that it is found out.
	Auth AuthKind
	// Instance tells the service's instances apart in what they log. Empty: there is
	// one, or it does not matter.
	Instance string
	// Tracer makes the spans of requests and messages. Required.
	Tracer trace.TracerProvider
	// Metrics makes what an instance of a service counts with, and what answers
	// /metrics there. Nil: nothing is counted.
	Metrics func(service, instance string) (metric.MeterProvider, http.Handler)
	// Log takes what the service has to say. Required.
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
	Meter    metric.Meter // for what the service counts of its own
	Mux      *http.ServeMux
	Log      *slog.Logger
	Verifier *verifier.Verifier

	listener  net.Listener
	server    *http.Server
	tracer    trace.Tracer
	newConns  sync.Map // connections that have sent nothing yet
	jobs      []job
	onStop    []func()
	leaveOnce sync.Once
	dependsOn []string // services that it asks
	tokensBy  string   // the service that tokens are verified by
	onClose   []func()

	cancel  context.CancelFunc
	group   sync.WaitGroup
	running sync.Map // names of jobs that have not ended
	failed  chan error
}

type job struct {
	name string
	run  func(context.Context) error
}

// New opens the service's database and its connection to the bus. migrations
// holds the service's own SQL files. The host takes the listener: it is closed
// by Stop, and here on failure.
func New(ctx context.Context, name string, migrations fs.FS, o Options) (*Host, error) {
	log := o.Log.With("service", name)
	if o.Instance != "" {
		log = log.With("instance", o.Instance)
	}
	h := &Host{
		Name: name, Dir: filepath.Join(o.Dir, "services", name), Shared: o.Shared, Log: log,
		listener: o.Listener, tracer: o.Tracer.Tracer("axion"), failed: make(chan error, 1),
	}
	meters, metrics := o.openMetrics(name)
	h.Meter = meters.Meter("axion/" + name)
	err := h.open(ctx, migrations, o, meters)
	if err != nil {
		h.close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	h.tokensBy = contract.Auth
	if o.KeysURL != "" {
		h.tokensBy = "" // an identity provider elsewhere
	}
	settings := verifier.Options{Issuer: o.Issuer, KeysURL: o.KeysURL, Call: h.callAuth}
	if o.Auth != AuthBuiltin {
		settings.WantsToken = (&authKindProbe{bus: h.Bus, log: log, tokens: o.Auth == AuthReplaced}).wantsToken
	}
	h.Verifier = verifier.New(settings)
	h.routes(o.Version, metrics)
	return h, nil
}

func (h *Host) open(ctx context.Context, migrations fs.FS, o Options, meters metric.MeterProvider) (err error) {
	sets := []store.Migrations{{Name: "bus", FS: bus.Migrations()}, {Name: "service", FS: migrations}}
	if o.Database != "" {
		h.DB, err = store.Connect(ctx, o.Database, h.Name, sets...)
	} else {
		h.DB, err = store.Open(ctx, filepath.Join(h.Dir, "data.db"), sets...)
	}
	if err != nil {
		return h.restorable(err)
	}
	observePool(h.Meter, h.DB, h.Name)
	settings := bus.Options{Service: h.Name, Brokers: o.Brokers, Client: o.Client, Log: h.Log, Tracer: o.Tracer, Meter: meters,
		Outage: h.outage}
	if o.Shared {
		settings.RelayLock = func(ctx context.Context) (func(), error) { return store.Lock(ctx, h.DB, "relay") }
	}
	h.Bus, err = bus.Open(ctx, settings)
	return err
}

// Go registers a background job that runs from Start until its context ends at
// Stop. A job that ends by itself with an error ends the service.
func (h *Host) Go(name string, run func(context.Context) error) {
	h.jobs = append(h.jobs, job{name, run})
}

// OnStop registers fn to run when the service stops, before its HTTP server
// waits for open requests: the place to close WebSockets, which the server does
// not know.
func (h *Host) OnStop(fn func()) { h.onStop = append(h.onStop, fn) }

// Leave tells the clients of WebSockets that the service stops, and returns once they
// have gone: Stop begins with it. Whatever stands between them and the service must be
// there still. Later calls return when the first has.
func (h *Host) Leave() {
	h.leaveOnce.Do(func() {
		for _, fn := range h.onStop {
			fn()
		}
	})
}

// OnClose registers fn to run when the service stops, once no handler runs any
// more and before the database closes: the place to end what handlers start.
func (h *Host) OnClose(fn func()) { h.onClose = append(h.onClose, fn) }

// Start serves HTTP, joins the bus, runs the outbox relay and the jobs, and
// returns once the service has its partitions. Use Stop to end it.
func (h *Host) Start(ctx context.Context) error {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	h.start(run, job{"http", func(context.Context) error {
		err := h.server.Serve(h.listener)
		if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
			return nil // Stop
		}
		return err
	}})
	h.start(run, job{"bus", h.Bus.Run})
	h.start(run, job{"outbox", func(ctx context.Context) error { return h.Bus.Relay(ctx, h.DB) }})
	h.start(run, job{"storage", h.logDamage})
	for _, j := range h.jobs {
		h.start(run, j)
	}
	select {
	case <-h.Bus.Ready():
		return nil
	case err := <-h.failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: start: %w", h.Name, ctx.Err())
	}
}

func (h *Host) start(ctx context.Context, j job) {
	h.running.Store(j.name, nil)
	h.group.Go(func() {
		defer h.running.Delete(j.name)
		err := j.run(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		select {
		case h.failed <- fmt.Errorf("%s: %s ended: %w", h.Name, j.name, err):
		default:
		}
	})
}

// Failed delivers the error that ended a part of the running service; Stop
// closes it.
func (h *Host) Failed() <-chan error { return h.failed }

// Stop ends the service: WebSockets, then HTTP requests under way, then message
// handlers under way, then the bus and the database. It gives up waiting when
// ctx ends, and closes all the same. Call it once, after Start has returned.
func (h *Host) Stop(ctx context.Context) error {
	h.Leave()
	_ = h.listener.Close() // first, so that no connection comes after the fresh ones
	// Shutdown would give those 5 s to send something.
	h.newConns.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
	err := h.drainHTTP(ctx)
	if h.cancel != nil {
		h.cancel()
	}
	done := make(chan struct{})
	go func() { h.group.Wait(); close(done) }()
	select {
	case <-done:
		close(h.failed)
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("%s: stop: still running: %s: %w", h.Name, h.stillRunning(), ctx.Err()))
	}
	h.close()
	return err
}

// stillRunning are the names of the jobs that have not ended.
func (h *Host) stillRunning() string {
	var names []string
	h.running.Range(func(name, _ any) bool { names = append(names, name.(string)); return true })
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// drainTimeout is how long Stop waits for HTTP requests under way: one that a client
// has sent only half of must not use up the time that message handlers need.
const drainTimeout = 3 * time.Second

func (h *Host) drainHTTP(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := h.server.Shutdown(ctx); err == nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	h.Log.Warn("requests cut off", "after", drainTimeout)
	if err := h.server.Close(); err != nil {
		return fmt.Errorf("%s: stop: %w", h.Name, err)
	}
	return nil
}

func (h *Host) close() {
	for _, fn := range h.onClose {
		fn()
	}
	_ = h.listener.Close()
	if h.Bus != nil {
		h.Bus.Close()
	}
	if h.DB != nil {
		_ = h.DB.Close()
	}
}

// Addr is the address of the HTTP server.
func (h *Host) Addr() net.Addr { return h.listener.Addr() }

// Span begins a span of the service's own, a child of ctx's.
func (h *Host) Span(ctx context.Context, name string, kind trace.SpanKind) (context.Context, trace.Span) {
	return h.tracer.Start(ctx, name, trace.WithSpanKind(kind))
}
