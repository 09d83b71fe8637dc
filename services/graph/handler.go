package graph

import (
	"context"

	"axion/services/host"
)

// IDInput names a project. Exported, since huma fills embedded
// structs only where reflection may.
type IDInput struct {
	ID string `path:"id" maxLength:"64"`
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
	Body     Project
}

type deploymentOutput struct{ Body Deployment }

type pageOutput[T any] struct{ Body host.Page[T] }

func (s *service) postProject(ctx context.Context, in *createInput) (*projectOutput, error) {
	p, err := s.create(ctx, httpCaller(ctx), in.Body)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Location: "/api/projects/" + p.ID, Body: p}, nil
}

func (s *service) getProject(ctx context.Context, in *IDInput) (*projectOutput, error) {
	p, err := s.queries.project(ctx, host.Caller(ctx).UserID, in.ID)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: p}, nil
}

func (s *service) getProjects(ctx context.Context, in *struct{ host.PageInput }) (*pageOutput[Project], error) {
	return paged(s.queries.projects(ctx, host.Caller(ctx).UserID, in.After, in.Limit))
}

func (s *service) patchProject(ctx context.Context, in *updateInput) (*projectOutput, error) {
	p, err := s.update(ctx, httpCaller(ctx), in.ID, in.Body)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: p}, nil
}

func (s *service) deleteProject(ctx context.Context, in *IDInput) (*struct{}, error) {
	return nil, s.remove(ctx, httpCaller(ctx), in.ID)
}

func (s *service) postDeployment(ctx context.Context, in *IDInput) (*deploymentOutput, error) {
	d, err := s.deploy(ctx, httpCaller(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &deploymentOutput{Body: d}, nil
}

func (s *service) getDeployments(ctx context.Context, in *listInput) (*pageOutput[Deployment], error) {
	return paged(s.queries.deployments(ctx, host.Caller(ctx).UserID, in.ID, in.PageInput))
}

func (s *service) getEvents(ctx context.Context, in *listInput) (*pageOutput[Event], error) {
	return paged(s.queries.events(ctx, host.Caller(ctx).UserID, in.ID, in.PageInput))
}

func (s *service) getVersions(ctx context.Context, in *listInput) (*pageOutput[Version], error) {
	return paged(s.queries.versions(ctx, host.Caller(ctx).UserID, in.ID, in.PageInput))
}

// paged is a page as an answer.
func paged[T any](page host.Page[T], err error) (*pageOutput[T], error) {
	if err != nil {
		return nil, err
	}
	return &pageOutput[T]{Body: page}, nil
}
