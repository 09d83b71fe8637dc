package graph

import (
	"context"
	"database/sql"
	"fmt"

	"axion/services/contract"
)

// createBody is what a project is made of.
type createBody struct {
	Name     string                 `json:"name" minLength:"1" maxLength:"80"`
	Template string                 `json:"template,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"Default: static-site."`
	Config   Config                 `json:"config,omitempty" doc:"What the template fills in, such as title and description."`
	Graph    *contract.Architecture `json:"graph,omitempty" doc:"The first version of its graph."`
}

// create stores a project, and asks for its first deployment.
func (s *service) create(ctx context.Context, by caller, in createBody) (p Project, err error) {
	if p, err = in.project(by); err != nil {
		return p, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		repeated, err := by.repeated(ctx, tx)
		if err != nil {
			return err
		}
		if repeated {
			p, err = findMade(ctx, tx, by)
			return err
		}
		if p.Slug, err = reserveSlug(ctx, tx, p.ID, slugOf(p.Name)); err != nil {
			return err
		}
		e, err := newEvent(contract.ProjectCreated, p.ID, p.event(newID(), in.Graph))
		if err != nil {
			return err
		}
		p.CreatedAt, p.UpdatedAt = e.Time, e.Time
		_, err = s.emit(ctx, tx, e, contract.Topic(contract.Deployment))
		return err
	})
	return p, err
}

// project checks the body, and gives the project without its slug and times.
func (in *createBody) project(by caller) (p Project, err error) {
	p = Project{ID: by.newID(), UserID: by.user, Template: in.Template, Config: in.Config}
	if p.Template == "" {
		p.Template = contract.DefaultTemplate
	}
	if p.Name, err = checkName(in.Name); err != nil {
		return p, err
	}
	if err := p.Config.check(); err != nil {
		return p, err
	}
	if in.Graph != nil {
		if err := checkGraph("/graph", in.Graph); err != nil {
			return p, err
		}
	}
	return p, nil
}

// deploy asks for one more deployment, with the project as it is now.
func (s *service) deploy(ctx context.Context, by caller, id string) (d Deployment, err error) {
	err = s.change(ctx, func(tx *sql.Tx) error {
		p, err := take(ctx, tx, by.user, id)
		if err != nil {
			return err
		}
		graph, version, err := latestGraph(ctx, tx, id)
		if err != nil {
			return err
		}
		event := p.event(newID(), nil)
		if version > 0 {
			event.Graph = &graph
		}
		e, err := newEvent(contract.DeploymentRequested, id, event)
		if err != nil {
			return err
		}
		d = Deployment{
			ID: event.DeploymentID, ProjectID: id, Status: contract.StatusPending, CreatedAt: e.Time, UpdatedAt: e.Time,
		}
		if _, err := s.emit(ctx, tx, e, contract.Topic(contract.Deployment)); err != nil {
			return fmt.Errorf("request deployment: %w", err)
		}
		return nil
	})
	return d, err
}
