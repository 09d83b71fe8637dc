// Package graph owns projects and their architecture graphs: their HTTP API and
// that of other services over the bus, and the WebSocket that tells clients what
// happens to them.
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
	"sync"

	"axion/services/contract"
	"axion/services/host"
)

//go:embed migrations
var migrations embed.FS

type service struct {
	*host.Host
	queries queries
	hub     *hub
	gate    sync.RWMutex // held for writing while the read model is rebuilt
}

// New returns the service.
func New(ctx context.Context, o host.Options) (*host.Host, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	return s.Host, nil
}

func open(ctx context.Context, o host.Options) (*service, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, contract.Graph, files, o)
	if err != nil {
		return nil, err
	}
	s := &service{Host: h, queries: queries{h.DB}, hub: newHub(h)}
	if err = h.Bus.Topic(history).EnsureInfiniteRetention(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", h.Name, err), h.Stop(context.WithoutCancel(ctx)))
	}
	h.DependsOn(contract.Codegen)
	s.routes()
	h.Mux.Handle("GET /ws", s.hub)
	h.Mux.Handle("GET /{$}", s.hub)
	h.OnStop(s.hub.close)
	s.hub.follow(h)
	for typ := range statuses {
		h.Bus.Handle(typ, s.receive)
	}
	h.Bus.Handle(rebuildRequest, s.answerRebuild)
	s.answer()
	return s, nil
}
