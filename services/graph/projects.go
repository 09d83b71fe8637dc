package graph

import (
	"context"

	"axion/services/graph/readmodel"
	"axion/services/host"
)

// IDInput names a project. Exported, since huma fills embedded
// structs only where reflection may.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
}

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

type listInput struct {
	IDInput
	host.PageInput
}

type projectOutput struct {
	Location string `header:"Location"`
	Body     readmodel.Project
}

type deploymentOutput struct{ Body readmodel.Deployment }

type pageOutput[T any] struct{ Body host.Page[T] }

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

// paged is a page as an answer.
func paged[T any](page host.Page[T], err error) (*pageOutput[T], error) {
	if err != nil {
		return nil, err
	}
	return &pageOutput[T]{Body: page}, nil
}
