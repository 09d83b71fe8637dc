package graph

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/graph/architecture"
	"axion/services/graph/readmodel"
	"axion/services/host"
)

// projectHandlers answer requests on projects.
type projectHandlers struct {
	queries  readmodel.Queries
	commands *commands
}

type createInput struct{ Body createBody }

type updateInput struct {
	IDInput
	Body updateBody
}

type projectOutput struct {
	Location string `header:"Location"`
	Body     readmodel.Project
}

type deploymentOutput struct{ Body readmodel.Deployment }

// register adds the operations to a service.
func (h *projectHandlers) register(service *host.Host) {
	host.Handle(service, service.RequireAuth(huma.Operation{
		OperationID: "create-project", Method: http.MethodPost, Path: projectsPath, DefaultStatus: http.StatusCreated,
		Summary: "Create a project and deploy it.", MaxBodyBytes: architecture.MaxBytes + host.MaxBody,
	}), h.post)
	host.Handle(service, service.RequireAuth(huma.Operation{
		OperationID: "list-projects", Method: http.MethodGet, Path: projectsPath, Summary: "Your projects, newest first.",
	}), h.list)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "get-project", Method: http.MethodGet, Path: projectPath, Summary: "One of your projects.",
	}), h.get)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "update-project", Method: http.MethodPatch, Path: projectPath,
		Summary: "Change a project's name, template or config; its next deployment uses them.",
	}), h.patch)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "delete-project", Method: http.MethodDelete, Path: projectPath, DefaultStatus: http.StatusNoContent,
		Summary: "Delete a project and take its site down.",
	}), h.delete)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "create-deployment", Method: http.MethodPost, Path: projectPath + "/deployments",
		DefaultStatus: http.StatusAccepted, Summary: "Deploy a project again.",
	}), h.postDeployment)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "list-deployments", Method: http.MethodGet, Path: projectPath + "/deployments",
		Summary: "A project's deployments, newest first.",
	}), h.getDeployments)
	host.Handle(service, withOwner(service, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: projectPath + "/events",
		Summary: "A project's history, oldest first; that of a deleted one too.",
	}), h.getEvents)
}

func (h *projectHandlers) post(ctx context.Context, in *createInput) (*projectOutput, error) {
	p, err := h.commands.create(ctx, httpCaller(ctx), in.Body)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Location: "/api/projects/" + p.ID, Body: p}, nil
}

func (h *projectHandlers) get(ctx context.Context, in *IDInput) (*projectOutput, error) {
	p, err := h.queries.Project(ctx, host.Caller(ctx).UserID, in.ID)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: p}, nil
}

func (h *projectHandlers) list(ctx context.Context, in *struct{ host.PageInput }) (*pageOutput[readmodel.Project], error) {
	return paged(h.queries.Projects(ctx, host.Caller(ctx).UserID, in.After, in.Limit))
}

func (h *projectHandlers) patch(ctx context.Context, in *updateInput) (*projectOutput, error) {
	p, err := h.commands.update(ctx, httpCaller(ctx), in.ID, in.Body)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: p}, nil
}

func (h *projectHandlers) delete(ctx context.Context, in *IDInput) (*struct{}, error) {
	return nil, h.commands.remove(ctx, httpCaller(ctx), in.ID)
}

func (h *projectHandlers) postDeployment(ctx context.Context, in *IDInput) (*deploymentOutput, error) {
	d, err := h.commands.deploy(ctx, httpCaller(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &deploymentOutput{Body: d}, nil
}

func (h *projectHandlers) getDeployments(ctx context.Context, in *listInput) (*pageOutput[readmodel.Deployment], error) {
	return paged(h.queries.Deployments(ctx, host.Caller(ctx).UserID, in.ID, in.PageInput))
}

func (h *projectHandlers) getEvents(ctx context.Context, in *listInput) (*pageOutput[readmodel.Event], error) {
	return paged(h.queries.Events(ctx, host.Caller(ctx).UserID, in.ID, in.PageInput))
}
