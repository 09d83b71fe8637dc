package deployment

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"axion/services/bus"
	"axion/services/bus/inbox"
	"axion/services/contract"
	"axion/services/store"
)

// repository stores deployments, and with each change of a deployment's state its
// event for graph-service: both in one transaction.
type repository struct {
	db  *sql.DB
	bus *bus.Bus
}

// inTx runs fn in a transaction and wakes the outbox when it has committed.
func (r *repository) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	err := store.Tx(ctx, r.db, fn)
	if err == nil {
		r.bus.WakeRelay()
	}
	return err
}

// enqueueEvent puts an event for graph-service into the outbox.
func (r *repository) enqueueEvent(ctx context.Context, tx *sql.Tx, typ string, e contract.DeploymentEvent) error {
	return r.bus.Enqueue(ctx, tx, bus.Event{
		Type: typ, Topic: contract.Topic(contract.Graph), Key: e.ProjectID, Data: e,
	})
}

// insert stores a new deployment as PENDING; one that is stored stays as it is. With a
// source it is to put the files of that deployment back. With a dedupKey, see
// [bus.Message.DedupKey], nothing happens where that message was processed before.
func (r *repository) insert(ctx context.Context, p contract.ProjectEvent, source, dedupKey string) error {
	graph := ""
	if p.Graph != nil {
		text, err := json.Marshal(p.Graph)
		if err != nil {
			return fmt.Errorf("record deployment: %w", err)
		}
		graph = string(text)
	}
	trace := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, trace)
	return r.inTx(ctx, func(tx *sql.Tx) error {
		if dedupKey != "" {
			if seen, err := inbox.MarkProcessed(ctx, tx, dedupKey); err != nil || seen {
				return err
			}
		}
		res, err := tx.ExecContext(ctx,
			`INSERT INTO deployments (id, project_id, user_id, name, slug, template, config, graph, status, step, source, trace, created_at, updated_at, queued)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $12, $12, (SELECT COALESCE(MAX(queued), 0) + 1 FROM deployments))
			ON CONFLICT (id) DO NOTHING`,
			p.DeploymentID, p.ProjectID, p.UserID, p.Name, p.Slug, p.Template, string(p.Config), graph, contract.StatusPending,
			source, trace.Get("traceparent"), now())
		if err != nil {
			return fmt.Errorf("record deployment: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 || source == "" {
			return err
		}
		return copyArtifact(ctx, tx, source, p.DeploymentID)
	})
}

// load reads a deployment.
func (r *repository) load(ctx context.Context, id string) (state, error) {
	d, err := scan(r.db.QueryRowContext(ctx, `SELECT `+columns+` FROM deployments WHERE id = $1`, id))
	if err != nil {
		return d, fmt.Errorf("load deployment: %w", err)
	}
	return d, nil
}

// underWay returns the id of a project's deployment that is STARTED, "" for none.
func (r *repository) underWay(ctx context.Context, projectID string) (id string, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT id FROM deployments WHERE project_id = $1 AND status = 'STARTED'`, projectID).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for deployment: %w", err)
	}
	return id, nil
}

// newerLive returns the id of a deployment of the same project that was requested after
// d and has succeeded, "" for none.
func (r *repository) newerLive(ctx context.Context, d state) (id string, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT id FROM deployments WHERE project_id = $1 AND status = 'SUCCEEDED'
		AND queued > (SELECT queued FROM deployments WHERE id = $2) ORDER BY queued DESC LIMIT 1`, d.projectID, d.id).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for deployment: %w", err)
	}
	return id, nil
}

// lastLive returns the id of a project's last deployment that succeeded, "" for none.
func (r *repository) lastLive(ctx context.Context, projectID string) (id string, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT id FROM deployments WHERE project_id = $1 AND status = 'SUCCEEDED' ORDER BY queued DESC LIMIT 1`,
		projectID).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for deployment: %w", err)
	}
	return id, nil
}

// artifact returns what codegen generated for a deployment; found reports whether that is
// stored.
func (r *repository) artifact(ctx context.Context, id string) (code contract.GenerateCodeReply, found bool, err error) {
	var content []byte
	err = r.db.QueryRowContext(ctx, `SELECT content FROM artifacts WHERE deployment_id = $1`, id).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return code, false, nil
	}
	if err == nil {
		code, err = unpackArtifact(content)
	}
	if err != nil {
		return code, false, fmt.Errorf("read artifact of deployment %s: %w", id, err)
	}
	return code, true, nil
}

// errCancelled ends a deployment that is under way.
var errCancelled = errors.New("cancelled")

// updateStarted changes a deployment that is under way, and fails with errCancelled where
// it is not, or no longer. The parameters of set are numbered from $3.
func (r *repository) updateStarted(ctx context.Context, id, set string, args []any, then func(tx *sql.Tx) error) error {
	return r.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx,
			`UPDATE deployments SET `+set+`, updated_at = $1 WHERE id = $2 AND status = 'STARTED' AND NOT cancelling`, append([]any{now(), id}, args...)...)
		if err != nil {
			return fmt.Errorf("record deployment: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errCancelled)
		}
		return then(tx)
	})
}

// completeStep stores that a step is done, and enqueues its event.
func (r *repository) completeStep(ctx context.Context, d *state, step, message string, then func(*sql.Tx) error) error {
	if d.step == step {
		return nil
	}
	err := r.updateStarted(ctx, d.id, `step = $3`, []any{step}, func(tx *sql.Tx) error {
		return errors.Join(then(tx), r.progress(ctx, tx, *d, step, message))
	})
	if err == nil {
		d.step = step
	}
	return err
}

// progress enqueues the event of a step that is done.
func (r *repository) progress(ctx context.Context, tx *sql.Tx, d state, step, message string) error {
	return errors.Join(appendLog(ctx, tx, d.id, line{step: step, message: message}),
		r.enqueueEvent(ctx, tx, contract.DeploymentProgress, contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id, Step: step}))
}

// succeed completes the last step of a deployment whose site answers at url, and the
// deployment: one reply has led to both.
func (r *repository) succeed(ctx context.Context, d state, url, message string) error {
	return r.updateStarted(ctx, d.id, `status = 'SUCCEEDED', step = $3, url = $4`, []any{contract.StepProvision, url}, func(tx *sql.Tx) error {
		var err error
		if d.step != contract.StepProvision { // an earlier version stored it by itself
			err = r.progress(ctx, tx, d, contract.StepProvision, message)
		}
		return errors.Join(err, pruneArtifacts(ctx, tx, d.projectID), appendLog(ctx, tx, d.id, line{message: "succeeded: " + url}),
			r.enqueueEvent(ctx, tx, contract.DeploymentSucceeded, contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id, URL: url}))
	})
}

// setCancelled stores that a deployment has ended as CANCELLED.
func (r *repository) setCancelled(ctx context.Context, tx *sql.Tx, d state) error {
	_, err := tx.ExecContext(ctx, `UPDATE deployments SET status = 'CANCELLED', updated_at = $1 WHERE id = $2`, now(), d.id)
	return errors.Join(err, appendLog(ctx, tx, d.id, line{level: levelWarn, message: "cancelled"}),
		r.enqueueEvent(ctx, tx, contract.DeploymentCancelled, contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id}))
}

// cancelAll ends the deployments of a deleted project, and deletes the files that undoing
// would put back. It returns those that are being undone, for the caller to interrupt.
func (r *repository) cancelAll(ctx context.Context, projectID string) (undoing []string, err error) {
	err = r.inTx(ctx, func(tx *sql.Tx) (err error) {
		if _, err := tx.ExecContext(ctx, `DELETE FROM artifacts WHERE project_id = $1`, projectID); err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE deployments SET cancelling = TRUE WHERE project_id = $1 AND status = 'STARTED'`,
			projectID); err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		if undoing, err = queryStrings(ctx, tx, `UPDATE deployments SET undo = FALSE WHERE project_id = $1 AND undo RETURNING id`,
			projectID); err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		waiting, err := queryStrings(ctx, tx, `SELECT id FROM deployments WHERE project_id = $1 AND status = 'PENDING'`, projectID)
		for _, id := range waiting {
			err = errors.Join(err, r.setCancelled(ctx, tx, state{id: id, projectID: projectID}))
		}
		if err != nil {
			return fmt.Errorf("cancel deployments: %w", err)
		}
		return nil
	})
	return undoing, err
}

// deferUndo marks a deployment that has ended to be undone by the queue, where undoing it
// has failed for want of a reply.
func (r *repository) deferUndo(ctx context.Context, tx *sql.Tx, d state, failed error) error {
	var late *bus.TimeoutError
	if !errors.As(failed, &late) {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE deployments SET undo = TRUE WHERE id = $1`, d.id); err != nil {
		return fmt.Errorf("undo deployment: %w", err)
	}
	return appendLog(ctx, tx, d.id, line{step: contract.StepProvision, level: levelWarn, message: "not undone yet: " + late.Public()})
}

// forget deletes the contents of a deleted project's deployments. Their rows stay: a
// redelivered PROJECT_CREATED must not deploy it again.
func (r *repository) forget(ctx context.Context, projectID string) error {
	return r.inTx(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`DELETE FROM artifacts WHERE project_id = $1`,
			`DELETE FROM unanswered WHERE deployment_id IN (SELECT id FROM deployments WHERE project_id = $1)`,
			`DELETE FROM logs WHERE deployment_id IN (SELECT id FROM deployments WHERE project_id = $1)`,
			`UPDATE deployments SET status = 'CANCELLED', user_id = '', name = '', config = '{}', graph = '', url = '', error = '' WHERE project_id = $1`,
		} {
			if _, err := tx.ExecContext(ctx, statement, projectID); err != nil {
				return fmt.Errorf("forget project: %w", err)
			}
		}
		return nil
	})
}

// queryStrings runs a query for one column.
func queryStrings(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }
