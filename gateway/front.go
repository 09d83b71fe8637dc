package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"axion/gateway/proxy"
	"axion/gateway/rule"
)

const (
	headerTimeout  = 10 * time.Second // of the TLS handshake too
	idleTimeout    = 180 * time.Second
	maxHeaderBytes = 256 << 10
)

// front serves one entrypoint.
type front struct {
	name     string
	secure   bool
	listener net.Listener
	server   *http.Server

	mu sync.Mutex
	// silent are connections that have not sent a request yet. Shutdown would
	// wait seconds for those that browsers open ahead.
	silent map[net.Conn]struct{}
}

func (g *Gateway) newFront(l net.Listener, secure bool) *front {
	f := &front{name: web, secure: secure, listener: l, silent: make(map[net.Conn]struct{})}
	f.server = &http.Server{
		Handler:           g.handler(secure),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return g.ctx },
		ConnState:         f.track,
	}
	if secure {
		f.name = webSecure
		f.server.TLSConfig = g.cert.TLSConfig()
	}
	return f
}

// handler finds the route of each request in the table in force.
func (g *Gateway) handler(secure bool) http.Handler {
	describe := proxy.Forwarded()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.inflight.begin() {
			http.Error(w, "the gateway is stopping", http.StatusServiceUnavailable)
			return
		}
		defer g.inflight.end()
		if r.Method == http.MethodConnect {
			http.Error(w, http.StatusText(http.StatusNotImplemented), http.StatusNotImplemented)
			return
		}
		req, err := rule.NewRequest(r)
		if err != nil {
			http.Error(w, "400 bad request: "+err.Error(), http.StatusBadRequest)
			return
		}
		describe(req.HTTP)
		if route := g.table.Load().entrypoint(secure).find(req); route != nil {
			route.handler.ServeHTTP(w, req.HTTP)
			return
		}
		http.Error(w, "404 page not found", http.StatusNotFound)
	})
}

// serve returns nil once the front was shut down.
func (f *front) serve() error {
	var err error
	if f.secure {
		err = f.server.ServeTLS(f.listener, "", "")
	} else {
		err = f.server.Serve(f.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve entrypoint %s: %w", f.name, err)
}

func (f *front) track(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if state == http.StateNew {
		f.silent[c] = struct{}{}
		return
	}
	delete(f.silent, c)
}

// shutdown stops accepting and waits for requests under way until ctx ends.
func (f *front) shutdown(ctx context.Context) error {
	_ = f.listener.Close() // first, so that no connection comes after the silent ones
	f.mu.Lock()
	for c := range f.silent {
		_ = c.Close()
	}
	f.mu.Unlock()
	if err := f.server.Shutdown(ctx); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
