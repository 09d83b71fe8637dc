// Package graph owns projects: their HTTP API, a read model of their
// deployments, and the WebSocket that tells clients what happens to them.
package graph

import (
	"context"
	"embed"
	"io/fs"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
	"axion/services/host"
)

//go:embed migrations
var migrations embed.FS

type service struct {
	*host.Host
	hub *hub
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
	s := &service{Host: h, hub: newHub(h)}
	s.routes()
	h.Mux.Handle("GET /ws", s.hub)
	h.Mux.Handle("GET /{$}", s.hub)
	h.OnStop(s.hub.close)
	for _, typ := range []string{
		contract.DeploymentStarted, contract.DeploymentProgress,
		contract.DeploymentSucceeded, contract.DeploymentFailed,
	} {
		h.Bus.Handle(typ, s.project)
	}
	return s, nil
}

func (s *service) routes() {
	const one, all = "/api/projects/{id}", "/api/projects"
	host.Handle(s.Host, s.Secured(huma.Operation{
		OperationID: "create-project", Method: http.MethodPost, Path: all, DefaultStatus: http.StatusCreated,
		Summary: "Create a project and deploy it.",
	}), s.create)
	host.Handle(s.Host, s.Secured(huma.Operation{
		OperationID: "list-projects", Method: http.MethodGet, Path: all, Summary: "Your projects, newest first.",
	}), s.list)
	host.Handle(s.Host, s.Secured(huma.Operation{
		OperationID: "get-project", Method: http.MethodGet, Path: one, Summary: "One of your projects.",
		Errors: []int{http.StatusNotFound},
	}), s.get)
	host.Handle(s.Host, s.Secured(huma.Operation{
		OperationID: "update-project", Method: http.MethodPatch, Path: one,
		Summary: "Change a project's name, template or config; its next deployment uses them.",
		Errors:  []int{http.StatusNotFound},
	}), s.update)
	host.Handle(s.Host, s.Secured(huma.Operation{
		OperationID: "delete-project", Method: http.MethodDelete, Path: one, DefaultStatus: http.StatusNoContent,
		Summary: "Delete a project and take its site down.", Errors: []int{http.StatusNotFound},
	}), s.delete)
	host.Handle(s.Host, s.Secured(huma.Operation{
		OperationID: "create-deployment", Method: http.MethodPost, Path: one + "/deployments",
		DefaultStatus: http.StatusAccepted, Summary: "Deploy a project again.", Errors: []int{http.StatusNotFound},
	}), s.deploy)
	host.Handle(s.Host, s.Secured(huma.Operation{
		OperationID: "list-deployments", Method: http.MethodGet, Path: one + "/deployments",
		Summary: "A project's deployments, newest first.", Errors: []int{http.StatusNotFound},
	}), s.deployments)
}
