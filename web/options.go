package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/web/assets"
	"axion/web/client"
	"axion/web/live"
	"axion/web/telemetry"
	"axion/web/tryit"
	"axion/web/view"
)

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
	// Services lists the services of the compose file; nil means none.
	Services func() []view.Service
	// Messages looks for a text in the newest messages, and gives at most so many;
	// nil means that there are none.
	Messages func(ctx context.Context, text string, limit int) (view.Matches, error)
	// Gateway serves what the gateway shows of itself in Traefik's shapes, below
	// /api, at /metrics and at /ping; nil means nothing.
	Gateway http.Handler
	// Metrics are those of all parts; nil means the gateway's alone.
	Metrics *telemetry.Metrics
	// Traces keeps the spans and the logs of the parts and the services;
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
	Client *client.Options
}

// validate reports the first field that is missing or wrong.
func (o Options) validate() error {
	switch {
	case o.Listener == nil:
		return errors.New("option Listener is missing")
	case o.Assets == nil:
		return errors.New("option Assets is missing")
	}
	if _, err := fs.Stat(o.Assets, assets.IndexFile); err != nil {
		return fmt.Errorf("option Assets: %w", err)
	}
	if o.Requests != nil && o.Requests.Resolve == nil {
		return errors.New("option Requests.Resolve is missing")
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
	if o.Services == nil {
		o.Services = func() []view.Service { return nil }
	}
	if o.Topics == nil {
		o.Topics = func(context.Context) ([]view.Topic, error) { return nil, nil }
	}
	return o
}
