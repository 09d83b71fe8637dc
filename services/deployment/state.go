package deployment

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/store"
)

// Statuses of a deployment. STARTED leads to one of the others, which end it.
const (
	started   = "STARTED"
	succeeded = "SUCCEEDED"
	failed    = "FAILED"
	cancelled = "CANCELLED" // its project was deleted
)

type state struct {
	id, projectID, name, slug, template string
	config                              json.RawMessage
	graph                               *contract.Architecture // nil for none
	status, step                        string
}

func (d state) ended() bool { return d.status != started }

// begin records a new deployment as STARTED; one that is recorded stays as it is.
func (s *service) begin(ctx context.Context, p contract.ProjectEvent) error {
	graph := ""
	if p.Graph != nil {
		text, err := json.Marshal(p.Graph)
		if err != nil {
			return fmt.Errorf("record deployment: %w", err)
		}
		graph = string(text)
	}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	return s.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx,
			`INSERT INTO deployments (id, project_id, user_id, name, slug, template, config, graph, status, step, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?) ON CONFLICT (id) DO NOTHING`,
			p.DeploymentID, p.ProjectID, p.UserID, p.Name, p.Slug, p.Template, string(p.Config), graph, started, now, now)
		if err != nil {
			return fmt.Errorf("record deployment: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return s.tell(ctx, tx, contract.DeploymentStarted,
			contract.DeploymentEvent{ProjectID: p.ProjectID, DeploymentID: p.DeploymentID})
	})
}

func (s *service) load(ctx context.Context, id string) (state, error) {
	d := state{id: id}
	var config, graph string
	err := s.DB.QueryRowContext(ctx,
		`SELECT project_id, name, slug, template, config, graph, status, step FROM deployments WHERE id = ?`, id).
		Scan(&d.projectID, &d.name, &d.slug, &d.template, &config, &graph, &d.status, &d.step)
	if err == nil && graph != "" {
		err = json.Unmarshal([]byte(graph), &d.graph)
	}
	if err != nil {
		return d, fmt.Errorf("load deployment: %w", err)
	}
	d.config = json.RawMessage(config)
	return d, nil
}

// done records that a step is done, and tells it the first time.
func (s *service) done(ctx context.Context, d *state, step string) error {
	if d.step == step {
		return nil
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE deployments SET step = ?1, updated_at = ?2 WHERE id = ?3 AND status = ?4 AND step <> ?1`,
			step, time.Now().UTC().Format(time.RFC3339Nano), d.id, started)
		if err != nil {
			return fmt.Errorf("record step: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return s.tell(ctx, tx, contract.DeploymentProgress,
			contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id, Step: step})
	})
	if err == nil {
		d.step = step
	}
	return err
}

// end records how the deployment ended, and tells it.
func (s *service) end(ctx context.Context, d state, status, url, reason string) error {
	typ := contract.DeploymentSucceeded
	if status == failed {
		typ = contract.DeploymentFailed
	}
	return s.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE deployments SET status = ?, url = ?, error = ?, updated_at = ? WHERE id = ? AND status = ?`,
			status, url, reason, time.Now().UTC().Format(time.RFC3339Nano), d.id, started)
		if err != nil {
			return fmt.Errorf("record end: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return s.tell(ctx, tx, typ, contract.DeploymentEvent{
			ProjectID: d.projectID, DeploymentID: d.id, URL: url, Error: reason,
		})
	})
}

// cancel ends the deployments of a deleted project. Their rows stay, without
// what the project said: a redelivered PROJECT_CREATED must not deploy it again.
func (s *service) cancel(ctx context.Context, projectID string) error {
	if _, err := s.DB.ExecContext(ctx,
		`UPDATE deployments SET status = ?, name = '', config = '{}', graph = '', updated_at = ? WHERE project_id = ?`,
		cancelled, time.Now().UTC().Format(time.RFC3339Nano), projectID); err != nil {
		return fmt.Errorf("cancel deployments: %w", err)
	}
	return nil
}

// tell puts an event for graph into the outbox.
func (s *service) tell(ctx context.Context, tx *sql.Tx, typ string, e contract.DeploymentEvent) error {
	return s.Bus.Enqueue(ctx, tx, bus.Event{
		Type: typ, Topic: contract.Topic(contract.Graph), Key: e.ProjectID, Data: e,
	})
}

// change runs fn in a transaction and wakes the outbox when it has committed.
func (s *service) change(ctx context.Context, fn func(*sql.Tx) error) error {
	err := store.Tx(ctx, s.DB, fn)
	if err == nil {
		s.Bus.Flush()
	}
	return err
}
