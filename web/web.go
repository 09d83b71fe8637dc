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
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/live"
	"axion/web/telemetry"
	"axion/web/traffic"
	"axion/web/tryit"
	"axion/web/view"
)

// closeGrace is how long Run waits for open requests once its context ends.
const closeGrace = 3 * time.Second

// Options are what [New] needs. The functions are called from several
// goroutines at once, about once a second each while a page is open, and what
// they return must not change afterwards.
type Options struct {
	// Listener is required. The server owns it: Close closes it.
	Listener net.Listener
	// Assets is required: index.html and what it loads. Files are read at each
	// request, so that os.DirFS serves a directory that is being edited.
	Assets fs.FS
	// Log nil discards.
	Log *slog.Logger
	// Name and Version are shown in the page. Name empty means "axion".
	Name, Version string
	// System reports the parts and addresses; nil means none.
	System func(context.Context) view.System
	// Routes lists the routing table; nil means none.
	Routes func() []view.Route
	// Problems lists what is wrong with the labels; nil means none.
	Problems func() []view.Problem
	// Topics lists the broker's topics; nil means none.
	Topics func(context.Context) ([]view.Topic, error)
	// Messages looks for a text in the newest messages, and gives at most so many;
	// nil means that there are none.
	Messages func(ctx context.Context, text string, limit int) (view.Matches, error)
	// Gateway serves what the gateway tells of itself in Traefik's shapes, below
	// /api, at /metrics and at /ping; nil means nothing.
	Gateway http.Handler
	// Metrics are those of all parts; nil means the gateway's alone.
	Metrics *telemetry.Metrics
	// Traces keeps what the parts and the services tell of requests, and their logs;
	// nil means nothing.
	Traces *telemetry.Store
	// Register adds operations of the other parts to the API; each path begins
	// with /api.
	Register []func(huma.API)
	// Channels are what pages can watch, by name, beside the dashboard's own.
	Channels map[string]live.Channel
	// Requests is how requests are sent that a person writes; nil means that none are.
	Requests *tryit.GatewayTransport
	// User gives who the development user is, and the password, both empty where there
	// is none. Nil means that there is none.
	User func() (email, password string)
	// Client is how projects are created. Nil means that this stack runs no
	// builtin services: the projects page says so.
	Client *Client
}

// validate reports the first field that is missing or wrong.
func (o Options) validate() error {
	switch {
	case o.Listener == nil:
		return errors.New("option Listener is missing")
	case o.Assets == nil:
		return errors.New("option Assets is missing")
	}
	if _, err := fs.Stat(o.Assets, indexFile); err != nil {
		return fmt.Errorf("option Assets: %w", err)
	}
	if o.Requests != nil && o.Requests.Resolve == nil {
		return errors.New("option Requests.Resolve is missing")
	}
	if o.Client != nil {
		return o.Client.validate()
	}
	return nil
}

// withDefaults fills the optional fields in.
func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = "axion"
	}
	if o.System == nil {
		o.System = func(context.Context) view.System { return view.System{} }
	}
	if o.Routes == nil {
		o.Routes = func() []view.Route { return nil }
	}
	if o.Problems == nil {
		o.Problems = func() []view.Problem { return nil }
	}
	if o.Topics == nil {
		o.Topics = func(context.Context) ([]view.Topic, error) { return nil, nil }
	}
	return o
}

// Server is the dashboard's server. Its methods are safe for concurrent use.
type Server struct {
	opts        Options
	http        *http.Server
	hub         *live.Hub
	broadcaster *broadcaster
	flows       *traffic.Monitor // nil without metrics
	token       token
	client      *caller // nil without its option, as is events
	events      *projectEvents
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
	s := &Server{opts: opts.withDefaults(), token: newToken()}
	if opts.Client != nil {
		client, err := newCaller(*opts.Client)
		if err != nil {
			return nil, fmt.Errorf("new dashboard: %w", err)
		}
		s.client = client
	}
	if opts.Requests != nil {
		s.requests = tryit.NewSender(opts.Requests)
	}
	s.stopped, s.stop = context.WithCancel(context.Background())
	if s.opts.Metrics != nil {
		s.flows = s.opts.traffic()
	}
	s.broadcaster = newBroadcaster(s.opts, s.channels())
	s.hub = s.broadcaster.hub
	if s.opts.Metrics != nil {
		s.hub.Measure(s.opts.Metrics)
	}
	if s.client != nil {
		s.events = newProjectEvents(s.client, s.broadcaster, s.opts.Log)
	}
	s.http = &http.Server{
		Handler:           s.handler(),
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
		all["traces"], all["trace"] = traces{store}.watch, traces{store}.watchOne
		all["logs"] = logs{&store.Logs}.watch
	}
	if s.flows != nil {
		all["map"], all["hops"] = s.flows.Map, s.flows.Hops
	}
	return all
}

func (s *Server) trackNewConns(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.newConns.Store(c, nil)
	} else {
		s.newConns.Delete(c)
	}
}

// Run serves until ctx ends or Close is called, and returns once everything it
// started has ended. It returns nil after either, and the cause where serving
// ends by itself. Call it once.
func (s *Server) Run(ctx context.Context) error {
	work := func(f func(context.Context)) { s.workers.Go(func() { f(s.stopped) }) }
	work(s.broadcaster.run)
	if s.flows != nil {
		work(func(ctx context.Context) { s.flows.Snapshot(ctx) }) // what was there before is nobody's traffic
	}
	if s.events != nil {
		work(s.events.run)
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
			s.client.close()
		}
		if s.requests != nil {
			s.requests.Close()
		}
		s.closeErr = err
	})
	return s.closeErr
}
