// Package graph owns projects and their architecture graphs: their HTTP API and
// that of other services over the bus, and the WebSocket that notifies clients of
// what happens to them.
//
// What queries read is a projection of events, its own and the DEPLOYMENT_* ones
// that it receives. A change is an event that is applied to the read model and
// put on the history's topic in one transaction, so that reads see it at once,
// and [Rebuild] can make the read model again from the topic alone.
package graph

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"axion/services/contract"
	"axion/services/graph/history"
	"axion/services/graph/live"
	"axion/services/graph/readmodel"
	"axion/services/host"
)

//go:embed migrations
var migrations embed.FS

// New returns the service.
func New(ctx context.Context, o host.Options) (*host.Host, error) {
	h, _, err := open(ctx, o)
	return h, err
}

// Rebuild drops the read model of a graph-service that does not run, and makes
// it again from the whole history. It is one transaction: a rebuild that fails or
// is cut short leaves what was there. o is what the service is started with; its
// Listener may be nil. A history that was cut or lost events is a
// [topics.TruncatedTopicError] or [ErrIncomplete].
func Rebuild(ctx context.Context, o host.Options) (done RebuildResult, err error) {
	if o.Listener == nil { // the service is opened, though it serves no requests
		if o.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return done, fmt.Errorf("rebuild: %w", err)
		}
	}
	h, r, err := open(ctx, o)
	if err != nil {
		return done, fmt.Errorf("rebuild: %w", err)
	}
	done, err = r.rebuild(ctx)
	return done, errors.Join(err, h.Stop(context.WithoutCancel(ctx)))
}

func open(ctx context.Context, o host.Options) (*host.Host, *rebuilder, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	h, err := host.New(ctx, contract.Graph, files, o)
	if err != nil {
		return nil, nil, err
	}
	hub := live.New(h)
	if err = h.Bus.Topic(history.Topic).EnsureInfiniteRetention(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", h.Name, err), h.Stop(context.WithoutCancel(ctx)))
	}
	h.DependsOn(contract.Codegen)
	w := &writer{db: h.DB, bus: h.Bus, hub: hub}
	queries, commands := readmodel.Queries{DB: h.DB}, &commands{writer: w}
	(&projectHandlers{queries: queries, commands: commands}).register(h)
	(&download{queries: queries, bus: h.Bus}).register(h)
	(&graphHandlers{queries: queries, commands: commands}).register(h)
	events := &deploymentEvents{writer: w}
	for typ := range readmodel.Statuses {
		h.Bus.Handle(typ, events.handle)
	}
	r := &rebuilder{writer: w, log: h.Log}
	h.Bus.Handle(rebuildRequest, r.handle)
	(&requestHandlers{queries: queries, commands: commands}).register(h.Bus, h.API)
	return h, r, nil
}
