package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"axion/web/loopback"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Bounds of every service's HTTP server.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = readTimeout + 30*time.Second // both begin with the request: a late body is to be answered
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 64 << 10
)

// bearer names the security scheme in OpenAPI.
const bearer = "bearer"

// newAPI returns the API on mux, with its OpenAPI document.
func newAPI(mux *http.ServeMux, name, version string) huma.API {
	UseProblems()
	config := huma.DefaultConfig(name, version)
	config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", nil
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: "bearer", Description: "A JWT or session token of the identity provider."},
	}
	return humago.New(mux, config)
}

// server serves the routes of mux on a listener.
type server struct {
	name     string
	listener net.Listener
	http     *http.Server
	mux      *http.ServeMux
	index    http.HandlerFunc // of "/", where mux has no route for it
	tracer   trace.Tracer
	log      *slog.Logger
	newConns sync.Map // connections that have sent nothing yet
	draining atomic.Bool
}

func newServer(name string, l net.Listener, index http.HandlerFunc, tracer trace.Tracer, meter metric.Meter, log *slog.Logger) *server {
	s := &server{name: name, listener: l, mux: http.NewServeMux(), index: index, tracer: tracer, log: log}
	s.http = &http.Server{
		Handler:           newRequests(meter).measure(s.middleware(http.HandlerFunc(s.route))),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ConnState:         s.trackNewConns,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	return s
}

// serve serves until the server is closed.
func (s *server) serve(context.Context) error {
	err := s.http.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// drainTimeout bounds how long a server waits for requests under way: one that a client
// has sent only half of must not use up the time that message handlers need.
const drainTimeout = 3 * time.Second

// drain closes the server once it has answered the requests under way.
func (s *server) drain(ctx context.Context) error {
	_ = s.listener.Close() // first, so that no connection comes after the new ones
	s.draining.Store(true)
	// Shutdown would give those 5 s to send something.
	s.newConns.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err == nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	s.log.Warn("requests cut off", "after", drainTimeout)
	if err := s.http.Close(); err != nil {
		return fmt.Errorf("%s: stop: %w", s.name, err)
	}
	return nil
}

// trackNewConns tracks the connections that have sent nothing yet: a client's pool may
// hold some, and drain must not wait for them. One that was accepted just before it, and
// comes here after it has closed the others, is closed too.
func (s *server) trackNewConns(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.newConns.Store(c, nil)
		if s.draining.Load() {
			_ = c.Close()
		}
	} else {
		s.newConns.Delete(c)
	}
}

// route routes a request. One that has no route is answered with a problem.
func (s *server) route(w http.ResponseWriter, r *http.Request) {
	refuse, pattern := s.mux.Handler(r)
	setRoute(w, routeOf(pattern))
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.index(w, r)
		return
	}
	answer := &statusCapture{header: w.Header(), status: http.StatusOK}
	refuse.ServeHTTP(answer, r)
	if answer.status < http.StatusBadRequest { // a redirect to the path's clean form
		w.WriteHeader(answer.status)
		return
	}
	detail := "there is nothing at " + r.URL.Path
	if allow := w.Header().Get("Allow"); allow != "" {
		detail = r.Method + " is not possible here, only " + allow
	}
	WriteProblem(w, answer.status, detail)
}

// statusCapture captures the status and headers of the mux's own response, and drops its
// body.
type statusCapture struct {
	header http.Header
	status int
}

func (r *statusCapture) Header() http.Header         { return r.header }
func (r *statusCapture) WriteHeader(status int)      { r.status = status }
func (r *statusCapture) Write(b []byte) (int, error) { return len(b), nil }

type connKey struct{}

// Conn returns the connection of a request: for dropping a WebSocket whose client has
// stopped reading.
func Conn(ctx context.Context) net.Conn {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	return c
}

// middleware refuses foreign host names, turns a panic into a 500, and makes the
// request's span.
func (s *server) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback.Host(r.Host) {
			WriteProblem(w, http.StatusMisdirectedRequest, "this service answers under localhost names and loopback addresses only")
			return
		}
		w, r, end := s.trace(w, r)
		defer end()
		defer s.recover(w, r)
		next.ServeHTTP(w, r)
	})
}

// recover answers a request whose handler has panicked. It must be deferred.
func (s *server) recover(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	s.log.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	WriteProblem(w, http.StatusInternalServerError, "")
}

// LocalOrigin reports whether a request comes from a page of this machine, or
// from no page at all (clients that are not browsers send no Origin). Any scheme
// will do, unlike for [loopback.Origin]: apps have pages such as capacitor://localhost.
func LocalOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && loopback.Host(host)
}
