package graph

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"axion/services/contract"
	"axion/services/host"
	"axion/services/store"
)

// adopt puts projects into the history that were stored before there was one, so
// that a rebuild finds them. Their events are those that make them what they are.
func (s *service) adopt(ctx context.Context) error {
	rows, err := s.DB.QueryContext(ctx, `SELECT `+columns+` FROM projects WHERE version = 0 ORDER BY id`)
	if err != nil {
		return fmt.Errorf("look for projects without a history: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found []Project
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return fmt.Errorf("look for projects without a history: %w", err)
		}
		found = append(found, p)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look for projects without a history: %w", err)
	}
	for _, p := range found {
		deployments, err := s.queries.deployments(ctx, p.UserID, p.ID, host.PageInput{Limit: 1 << 30})
		if err == nil {
			err = store.Tx(ctx, s.DB, func(tx *sql.Tx) error { return s.adoptProject(ctx, tx, p, deployments.Items) })
		}
		if err != nil {
			return fmt.Errorf("give project %s a history: %w", p.ID, err)
		}
	}
	return nil
}

// adoptProject stores a project again, by events.
func (s *service) adoptProject(ctx context.Context, tx *sql.Tx, p Project, newestFirst []Deployment) error {
	if err := applyDeleted(ctx, tx, event{ProjectID: p.ID}); err != nil {
		return err
	}
	if _, err := insertSlug(ctx, tx, p.ID, p.Slug); err != nil {
		return err
	}
	events, err := historyOf(p, newestFirst)
	if err != nil {
		return err
	}
	for _, e := range events {
		if _, err := s.emit(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

// historyOf makes up the events of a project.
func historyOf(p Project, newestFirst []Deployment) (events []event, err error) {
	config, err := canonical([]byte(p.Config.text()))
	if err != nil {
		return nil, err
	}
	p.Config = Config(config)
	add := func(typ string, at time.Time, data any) {
		e, failed := newEvent(typ, p.ID, data)
		e.Time = at
		events, err = append(events, e), errors.Join(err, failed)
	}
	add(contract.ProjectCreated, p.CreatedAt, p.event(""))
	types := typesByStatus()
	for _, d := range slices.Backward(newestFirst) {
		add(contract.DeploymentRequested, d.CreatedAt, p.event(d.ID))
		if d.Status != contract.StatusPending {
			add(types[d.Status], d.UpdatedAt, contract.DeploymentEvent{ProjectID: p.ID, DeploymentID: d.ID, URL: d.URL, Error: d.Error})
		}
	}
	if !p.UpdatedAt.Equal(p.CreatedAt) {
		add(contract.ProjectUpdated, p.UpdatedAt, p.event(""))
	}
	return events, err
}

// typesByStatus is statuses the other way round.
func typesByStatus() map[string]string {
	types := map[string]string{}
	for typ := range statuses {
		if typ != contract.DeploymentProgress {
			types[statuses[typ]] = typ
		}
	}
	return types
}
