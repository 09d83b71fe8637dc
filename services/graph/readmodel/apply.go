// Package readmodel stores what graph-service answers queries from: projects, their
// deployments and graphs, made of the history's events alone.
package readmodel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"axion/services/contract"
	"axion/services/graph/history"
)

// An applier makes one kind of event's change to the read model. It looks at
// nothing but the history.Event and its own project's rows: projects are replayed in
// another order than they were changed in.
type applier func(context.Context, *sql.Tx, history.Event) error

// appliers are all kinds of events that the history holds.
var appliers = map[string]applier{
	contract.ProjectCreated:      applyCreated,
	contract.ProjectUpdated:      applyUpdated,
	contract.ProjectDeleted:      applyDeleted,
	contract.GraphChanged:        applyGraph,
	contract.DeploymentRequested: applyRequested,
	contract.DeploymentStarted:   applyDeployment,
	contract.DeploymentProgress:  applyDeployment,
	contract.DeploymentSucceeded: applyDeployment,
	contract.DeploymentFailed:    applyDeployment,
	contract.DeploymentCancelled: applyDeployment,
}

// Statuses are those that the events of deployments lead to.
var Statuses = map[string]string{
	contract.DeploymentStarted:   contract.StatusStarted,
	contract.DeploymentProgress:  contract.StatusStarted,
	contract.DeploymentSucceeded: contract.StatusSucceeded,
	contract.DeploymentFailed:    contract.StatusFailed,
	contract.DeploymentCancelled: contract.StatusCancelled,
}

// Apply makes an event's change to the read model, once whatever comes again,
// and returns the owner of its project. Events of a project that is not there,
// and those that were applied before, change nothing: then the owner is "".
func Apply(ctx context.Context, tx *sql.Tx, e history.Event) (owner string, err error) {
	do, ok := appliers[e.Type]
	if !ok {
		return "", fmt.Errorf("apply event %s: unknown type %q", e.ID, e.Type)
	}
	if known, err := isApplied(ctx, tx, e); err != nil || known {
		return "", err
	}
	if e.Type == contract.ProjectCreated {
		if err := insertProject(ctx, tx, e); err != nil {
			return "", fmt.Errorf("apply %s %s: %w", e.Type, e.ID, err)
		}
	}
	seq, owner, err := advance(ctx, tx, e.ProjectID)
	if err != nil || owner == "" {
		return "", err
	}
	_, err = tx.ExecContext(ctx,
		`INSERT INTO events (project_id, seq, id, type, user_id, time, data) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.ProjectID, seq, e.ID, e.Type, owner, formatTime(e.Time), string(e.Data))
	if err == nil {
		err = do(ctx, tx, e)
	}
	if err != nil {
		return "", fmt.Errorf("apply %s %s: %w", e.Type, e.ID, err)
	}
	return owner, nil
}

func isApplied(ctx context.Context, tx *sql.Tx, e history.Event) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM events WHERE project_id = $1 AND id = $2`, e.ProjectID, e.ID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("find event %s: %w", e.ID, err)
	}
	return n > 0, nil
}

// advance counts one more history.Event of a project, and holds the project until the
// transaction ends. The owner is "" where it is deleted or was never here.
func advance(ctx context.Context, tx *sql.Tx, projectID string) (seq int64, owner string, err error) {
	err = retryNoRows(func() error {
		return tx.QueryRowContext(ctx,
			`UPDATE projects SET version = version + 1 WHERE id = $1 RETURNING version, user_id`, projectID).Scan(&seq, &owner)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, "", fmt.Errorf("count event of project %s: %w", projectID, err)
	}
	return seq, owner, nil
}

// retryNoRows calls fn once more where it finds no row: PostgreSQL may have waited for a
// rebuild that replaced the row, and missed the new one.
func retryNoRows(fn func() error) error {
	err := fn()
	if errors.Is(err, sql.ErrNoRows) {
		return fn()
	}
	return err
}

func insertProject(ctx context.Context, tx *sql.Tx, e history.Event) error {
	var p contract.ProjectEvent
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx,
		`INSERT INTO projects (id, user_id, name, slug, template, config, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7) ON CONFLICT (id) DO NOTHING`,
		e.ProjectID, p.UserID, p.Name, p.Slug, p.Template, string(p.Config), formatTime(e.Time))
	return err
}

// applyCreated adds what a project may begin with.
func applyCreated(ctx context.Context, tx *sql.Tx, e history.Event) error {
	var p contract.ProjectEvent
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return err
	}
	if p.Graph != nil {
		if err := insertGraph(ctx, tx, e, 1, *p.Graph); err != nil {
			return err
		}
	}
	return applyRequested(ctx, tx, e)
}

func applyUpdated(ctx context.Context, tx *sql.Tx, e history.Event) error {
	var p contract.ProjectEvent
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE projects SET name = $1, template = $2, config = $3, updated_at = $4 WHERE id = $5`,
		p.Name, p.Template, string(p.Config), formatTime(e.Time), e.ProjectID)
	return err
}

// applyDeleted leaves a project's events, so that its owner can still read them.
func applyDeleted(ctx context.Context, tx *sql.Tx, e history.Event) error {
	for _, statement := range []string{
		`DELETE FROM deployments WHERE project_id = $1`,
		`DELETE FROM graphs WHERE project_id = $1`,
		`DELETE FROM projects WHERE id = $1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, e.ProjectID); err != nil {
			return err
		}
	}
	return nil
}

func applyGraph(ctx context.Context, tx *sql.Tx, e history.Event) error {
	var g contract.GraphEvent
	if err := json.Unmarshal(e.Data, &g); err != nil {
		return err
	}
	return insertGraph(ctx, tx, e, g.Version, g.Graph)
}

func insertGraph(ctx context.Context, tx *sql.Tx, e history.Event, version int, g contract.Architecture) error {
	content, err := json.Marshal(g)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO graphs (project_id, version, content, created_at) VALUES ($1, $2, $3, $4)`,
		e.ProjectID, version, string(content), formatTime(e.Time))
	return err
}

// applyRequested adds a deployment that is requested and not yet begun.
func applyRequested(ctx context.Context, tx *sql.Tx, e history.Event) error {
	var p contract.ProjectEvent
	if err := json.Unmarshal(e.Data, &p); err != nil || p.DeploymentID == "" {
		return err
	}
	_, err := tx.ExecContext(ctx,
		`INSERT INTO deployments (project_id, id, status, url, error, created_at, updated_at) VALUES ($1, $2, $3, '', '', $4, $4)
		ON CONFLICT (project_id, id) DO NOTHING`,
		e.ProjectID, p.DeploymentID, contract.StatusPending, formatTime(e.Time))
	return err
}

// applyDeployment moves a deployment forward. What counts is the order in which
// events come, not their times, and none changes a deployment that has ended.
func applyDeployment(ctx context.Context, tx *sql.Tx, e history.Event) error {
	var d contract.DeploymentEvent
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx,
		`INSERT INTO deployments (project_id, id, status, url, error, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
		ON CONFLICT (project_id, id) DO UPDATE SET
			status = excluded.status, url = excluded.url, error = excluded.error, updated_at = excluded.updated_at
		WHERE deployments.status IN ('PENDING', 'STARTED')`,
		e.ProjectID, d.DeploymentID, Statuses[e.Type], d.URL, d.Error, formatTime(e.Time))
	return err
}
