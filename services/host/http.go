package host

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
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

func (h *Host) routes(version string, metrics http.Handler) {
	UseProblems()
	h.Mux = http.NewServeMux()
	config := huma.DefaultConfig(h.Name, version)
	config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", nil
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: "bearer", Description: "A JWT or session token of the identity provider."},
	}
	h.API = humago.New(h.Mux, config)
	h.healthRoutes()
	if metrics != nil {
		h.Mux.Handle("GET /metrics", metrics)
	}
	h.server = &http.Server{
		Handler:           newRequests(h.Meter).measure(h.middleware(http.HandlerFunc(h.serve))),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(h.Log.Handler(), slog.LevelWarn),
		ConnState:         h.trackNewConns,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}

// trackNewConns keeps the connections that have sent nothing yet: a client's pool
// may hold some, and Stop must not wait for them.
func (h *Host) trackNewConns(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		h.newConns.Store(c, nil)
	} else {
		h.newConns.Delete(c)
	}
}

// serve routes a request. What no route takes is answered as a problem too.
func (h *Host) serve(w http.ResponseWriter, r *http.Request) {
	refuse, pattern := h.Mux.Handler(r)
	setRoute(w, routeOf(pattern))
	if pattern != "" {
		h.Mux.ServeHTTP(w, r)
		return
	}
	if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		h.Index(w, r)
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

// statusCapture takes the status and headers of the mux's own answer, and drops its
// text.
type statusCapture struct {
	header http.Header
	status int
}

func (r *statusCapture) Header() http.Header         { return r.header }
func (r *statusCapture) WriteHeader(status int)      { r.status = status }
func (r *statusCapture) Write(b []byte) (int, error) { return len(b), nil }

type connKey struct{}

// Conn is the connection that a request came on: the way to drop a WebSocket
// whose client has stopped reading.
func Conn(ctx context.Context) net.Conn {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	return c
}

// middleware refuses foreign host names, turns a panic into a 500, and makes the
// request's span.
func (h *Host) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !LocalHost(r.Host) {
			WriteProblem(w, http.StatusMisdirectedRequest, "this service answers under localhost names and loopback addresses only")
			return
		}
		w, r, end := h.trace(w, r)
		defer end()
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			h.Log.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			WriteProblem(w, http.StatusInternalServerError, "")
		}()
		next.ServeHTTP(w, r)
	})
}

// LocalHost reports whether a Host header, or an Origin's host, names this
// machine: localhost, a name below it, or a loopback address, with any port. A
// page elsewhere whose name was made to resolve to 127.0.0.1 (DNS rebinding)
// does not pass.
func LocalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == "" // a name, and not several
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// LocalOrigin reports whether a request comes from a page of this machine, or
// from no page at all (clients that are not browsers send no Origin).
func LocalOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && LocalHost(host)
}
