// Package web serves the dashboard: its pages, its JSON API and the WebSocket
// over which pages learn of changes.
//
// It reads the rest of the stack through the functions in [Options], and acts
// on it as any client does: through the gateway, with a bearer token. It knows
// no other part of axion.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/client"
	"axion/web/guard"
	"axion/web/live"
	"axion/web/projectevents"
	"axion/web/proxy"
	"axion/web/respond"
	"axion/web/search"
	"axion/web/signals"
	"axion/web/traffic"
	"axion/web/tryit"
)

// closeGrace is how long Run waits for open requests once its context ends.
const closeGrace = 3 * time.Second

// Server is the dashboard's server. Its methods are safe for concurrent use.
type Server struct {
	opts        Options
	http        *http.Server
	hub         *live.Hub
	broadcaster *live.Broadcaster
	flows       *traffic.Monitor // nil without metrics
	token       guard.Token
	client      *client.Client // nil without its option
	events      *projectevents.Stream
	requests    *tryit.Sender // nil without its option

	// newConns are connections that have not sent a request yet, as browsers open
	// them ahead: Shutdown would wait for those.
	newConns  sync.Map
	stop      context.CancelFunc
	stopped   context.Context
	workers   sync.WaitGroup
	closeOnce sync.Once
	closeErr  error
}

// New makes a server that answers once [Server.Run] is called. It takes the
// listener over and holds a goroutine: call Close even if Run never was. The
// error names the option that is missing or wrong.
func New(opts Options) (*Server, error) {
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("new dashboard: %w", err)
	}
	s := &Server{opts: opts.withDefaults(), token: guard.NewToken()}
	if opts.Client != nil {
		var err error
		if s.client, err = client.New(*opts.Client); err != nil {
			return nil, fmt.Errorf("new dashboard: %w", err)
		}
	}
	if opts.Requests != nil {
		s.requests = tryit.NewSender(opts.Requests)
	}
	s.stopped, s.stop = context.WithCancel(context.Background())
	if s.opts.Metrics != nil {
		s.flows = s.opts.traffic()
	}
	s.broadcaster, s.hub = live.NewBroadcaster(live.Options{
		Log: s.opts.Log, Channels: s.channels(), CheckOrigin: guard.SameOrigin,
		Buffer: 2 * projectevents.MaxKept, // a whole replay, and then some
		Refuse: func(w http.ResponseWriter, _ *http.Request) {
			respond.Problem(w, http.StatusServiceUnavailable, "the dashboard is closing or has too many pages open")
		},
	})
	s.opts.publish(s.broadcaster)
	s.events = projectevents.New(s.client, s.broadcaster, s.opts.Log)
	if s.opts.Metrics != nil {
		s.hub.Measure(s.opts.Metrics)
	}
	s.http = &http.Server{
		Handler:           s.opts.handler(s.token, s.hub, proxy.New(s.client, s.opts.Log), s.operations()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       live.WithConn,
		ConnState:         s.trackNewConns,
		ErrorLog:          slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// channels are what pages can watch.
func (s *Server) channels() map[string]live.Channel {
	all := maps.Clone(s.opts.Channels)
	if all == nil {
		all = map[string]live.Channel{}
	}
	if store := s.opts.Traces; store != nil {
		traces := signals.Traces{Store: store}
		all["traces"], all["trace"] = traces.Watch, traces.WatchOne
		all["logs"] = signals.Logs{Ring: &store.Logs}.Watch
	}
	if s.flows != nil {
		all["map"], all["hops"] = s.flows.Map, s.flows.Hops
	}
	return all
}

// operations are what the dashboard itself adds to the API.
func (s *Server) operations() []func(huma.API) {
	o := &s.opts
	all := []func(huma.API){
		func(api huma.API) { o.register(api, s.token) },
		s.events.Register,
		search.Sources{Routes: o.Routes, Topics: o.Topics, Traces: o.Traces, Projects: s.client, Messages: o.Messages}.Register,
	}
	if o.Traces != nil {
		all = append(all, signals.Traces{Store: o.Traces}.Register, signals.Logs{Ring: &o.Traces.Logs}.Register)
	}
	if s.requests != nil {
		all = append(all, s.requests.Register)
	}
	if s.flows != nil {
		all = append(all, s.flows.Register)
	}
	return all
}

// trackNewConns tracks the connections that have sent nothing yet. One that was accepted
// just before Close, and comes here after it, is closed too.
func (s *Server) trackNewConns(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.newConns.Store(c, nil)
		if s.stopped.Err() != nil {
			_ = c.Close()
		}
	} else {
		s.newConns.Delete(c)
	}
}

// Run serves until ctx ends or Close is called, and returns once everything it
// started has ended. It returns nil after either, and the cause where serving
// ends by itself. Call it once.
func (s *Server) Run(ctx context.Context) error {
	work := func(f func(context.Context)) { s.workers.Go(func() { f(s.stopped) }) }
	work(s.broadcaster.Run)
	if s.flows != nil {
		work(func(ctx context.Context) { s.flows.Snapshot(ctx) }) // earlier counts are not shown
	}
	if s.client != nil {
		work(s.events.Run)
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.opts.Listener) }()

	var err error
	select {
	case <-ctx.Done():
	case <-s.stopped.Done():
	case err = <-served:
		served <- err
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
	defer cancel()
	closeErr := s.Close(grace)
	if err = <-served; err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve dashboard: %w", err)
	}
	return closeErr
}

// Close stops accepting, closes every page's WebSocket, lets open requests end
// until ctx does, and returns once all is stopped. Later calls wait for the
// first and answer the same.
func (s *Server) Close(ctx context.Context) error {
	s.closeOnce.Do(func() {
		s.stop()
		s.hub.Close()
		_ = s.opts.Listener.Close() // Shutdown closes it only where Serve has begun
		s.newConns.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		err := s.http.Shutdown(ctx)
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("close dashboard: %w", errors.Join(err, s.http.Close()))
		}
		s.workers.Wait()
		if s.client != nil {
			s.client.Close()
		}
		if s.requests != nil {
			s.requests.Close()
		}
		s.closeErr = err
	})
	return s.closeErr
}
