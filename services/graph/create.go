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

// create stores a project, and asks for its first deployment. Its owner is told.
func (s *service) create(ctx context.Context, by caller, in createBody) (p Project, err error) {
	if p, err = in.project(by); err != nil {
		return p, err
	}
	err = s.announce(ctx, func(tx *sql.Tx) (owner string, m Message, err error) {
		repeated, err := by.repeated(ctx, tx)
		if err != nil {
			return "", m, err
		}
		if repeated {
			p, err = findMade(ctx, tx, by)
			return "", m, err
		}
		if p.Slug, err = reserveSlug(ctx, tx, p.ID, slugOf(p.Name)); err != nil {
			return "", m, err
		}
		told := p.event(newID())
		data := told
		data.Graph = in.Graph
		e, err := newEvent(contract.ProjectCreated, p.ID, data)
		if err != nil {
			return "", m, err
		}
		// The graph itself is left out: clients that want it ask for it.
		if m, err = projectMessage(e, told); err != nil {
			return "", m, err
		}
		p.CreatedAt, p.UpdatedAt = e.Time, e.Time
		owner, err = s.emit(ctx, tx, e, contract.Topic(contract.Deployment))
		return owner, m, err
	})
	return p, err
}

// projectMessage is what a project's owner is told of a change.
func projectMessage(e event, told contract.ProjectEvent) (Message, error) {
	data, err := contract.JSON(told)
	return Message{Type: e.Type, ProjectID: e.ProjectID, Data: data}, err
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
		event := p.event(newID())
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
