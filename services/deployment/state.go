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

// state is what is stored of a deployment. PENDING leads to STARTED, and that to
// one of the others, which end it.
type state struct {
	id, projectID, userID, name, slug, template string
	config                                      json.RawMessage
	graph                                       *contract.Architecture // nil for none
	status, step, source                        string
	cancelling, undo                            bool
	trace                                       string
}

func (d state) ended() bool {
	return d.status != contract.StatusPending && d.status != contract.StatusStarted
}

// traced continues the trace of what asked for the deployment.
func (d state) traced(ctx context.Context) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": d.trace})
}

// begin queues a new deployment; one that is recorded stays as it is. With a
// source it puts back the files of that deployment. With the mark of a message, see
// [bus.Message.DedupKey], nothing happens where that was there before.
func (s *service) begin(ctx context.Context, p contract.ProjectEvent, source, mark string) error {
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
	return s.change(ctx, func(tx *sql.Tx) error {
		if mark != "" {
			if seen, err := inbox.MarkProcessed(ctx, tx, mark); err != nil || seen {
				return err
			}
		}
		res, err := tx.ExecContext(ctx,
			`INSERT INTO deployments (id, project_id, user_id, name, slug, template, config, graph, status, step, source, trace, created_at, updated_at, queued)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', ?10, ?11, ?12, ?12, (SELECT COALESCE(MAX(queued), 0) + 1 FROM deployments))
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

const columns = `id, project_id, user_id, name, slug, template, config, graph, status, step, source, cancelling, undo, trace`

func (s *service) load(ctx context.Context, id string) (state, error) {
	d, err := scan(s.DB.QueryRowContext(ctx, `SELECT `+columns+` FROM deployments WHERE id = ?`, id))
	if err != nil {
		return d, fmt.Errorf("load deployment: %w", err)
	}
	return d, nil
}

func scan(row *sql.Row) (d state, err error) {
	var config, graph string
	err = row.Scan(&d.id, &d.projectID, &d.userID, &d.name, &d.slug, &d.template, &config, &graph, &d.status, &d.step, &d.source,
		&d.cancelling, &d.undo, &d.trace)
	if err == nil && graph != "" {
		err = json.Unmarshal([]byte(graph), &d.graph)
	}
	d.config = json.RawMessage(config)
	return d, err
}

// underWay is the deployment of a project that is STARTED, "" for none.
func (s *service) underWay(ctx context.Context, projectID string) (id string, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT id FROM deployments WHERE project_id = ? AND status = 'STARTED'`, projectID).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for deployment: %w", err)
	}
	return id, nil
}

// errCancelled is what ends a deployment that is under way.
var errCancelled = errors.New("cancelled")

// step makes a change to a deployment that is under way, and fails with
// errCancelled where it is not, or no longer.
func (s *service) step(ctx context.Context, id, set string, args []any, then func(tx *sql.Tx) error) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx,
			`UPDATE deployments SET `+set+`, updated_at = ? WHERE id = ? AND status = 'STARTED' AND NOT cancelling`, append(args, now(), id)...)
		if err != nil {
			return fmt.Errorf("record deployment: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errCancelled)
		}
		return then(tx)
	})
}

// done records that a step is done, and tells it.
func (s *service) done(ctx context.Context, d *state, step, message string, then func(*sql.Tx) error) error {
	if d.step == step {
		return nil
	}
	err := s.step(ctx, d.id, `step = ?`, []any{step}, func(tx *sql.Tx) error {
		return errors.Join(then(tx), s.progress(ctx, tx, *d, step, message))
	})
	if err == nil {
		d.step = step
	}
	return err
}

// progress tells of a step that is done.
func (s *service) progress(ctx context.Context, tx *sql.Tx, d state, step, message string) error {
	return errors.Join(note(ctx, tx, d.id, line{step: step, message: message}),
		s.tell(ctx, tx, contract.DeploymentProgress, contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id, Step: step}))
}

// succeed ends a deployment whose site answers at url, with its last step: one answer
// has led to both.
func (s *service) succeed(ctx context.Context, d state, url, message string) error {
	return s.step(ctx, d.id, `status = 'SUCCEEDED', step = ?, url = ?`, []any{contract.StepProvision, url}, func(tx *sql.Tx) error {
		var err error
		if d.step != contract.StepProvision { // an earlier version recorded it by itself
			err = s.progress(ctx, tx, d, contract.StepProvision, message)
		}
		return errors.Join(err, pruneArtifacts(ctx, tx, d.projectID), note(ctx, tx, d.id, line{message: "succeeded: " + url}),
			s.tell(ctx, tx, contract.DeploymentSucceeded, contract.DeploymentEvent{ProjectID: d.projectID, DeploymentID: d.id, URL: url}))
	})
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
		s.Bus.WakeRelay()
	}
	return err
}

func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }
