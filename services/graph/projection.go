package graph

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/store"
)

// statuses that each event leads to.
var statuses = map[string]string{
	contract.DeploymentStarted:   "STARTED",
	contract.DeploymentProgress:  "STARTED",
	contract.DeploymentSucceeded: "SUCCEEDED",
	contract.DeploymentFailed:    "FAILED",
}

// project applies one DEPLOYMENT_* event to the read model, once, and pushes it
// to the owner of its project.
func (s *service) project(ctx context.Context, m *bus.Message) (any, error) {
	var e contract.DeploymentEvent
	if err := m.Decode(&e); err != nil {
		return nil, err
	}
	if e.ProjectID == "" || e.DeploymentID == "" {
		return nil, bus.Permanent(errors.New("projectId or deploymentId is missing"))
	}
	return nil, s.hub.push(func(at time.Time) (string, Message, error) {
		msg := Message{Type: m.Type, ProjectID: e.ProjectID, DeploymentID: e.DeploymentID, At: at, Data: m.Data}
		var owner string
		err := store.Tx(ctx, s.DB, func(tx *sql.Tx) error {
			seen, err := bus.Seen(ctx, tx, m.ID)
			if err != nil || seen {
				return err
			}
			if owner, err = ownerOf(ctx, tx, e.ProjectID); err != nil || owner == "" {
				return err
			}
			if err := apply(ctx, tx, m, e); err != nil {
				return err
			}
			return record(ctx, tx, owner, msg)
		})
		return owner, msg, err
	})
}

// ownerOf tells whose project it is: nobody's where it is deleted or was never
// here.
func ownerOf(ctx context.Context, tx *sql.Tx, projectID string) (owner string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT user_id FROM projects WHERE id = ?`, projectID).Scan(&owner)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("find the project's owner: %w", err)
	}
	return owner, nil
}

// apply moves a deployment's row forward. An event that comes late never takes
// one back from its end.
func apply(ctx context.Context, tx *sql.Tx, m *bus.Message, e contract.DeploymentEvent) error {
	at := stamp(m.Time.UTC())
	_, err := tx.ExecContext(ctx,
		`INSERT INTO deployments (id, project_id, status, url, error, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, url = excluded.url, error = excluded.error, updated_at = excluded.updated_at
		WHERE deployments.status = 'STARTED' AND deployments.project_id = excluded.project_id`,
		e.DeploymentID, e.ProjectID, statuses[m.Type], e.URL, e.Error, at, at)
	if err != nil {
		return fmt.Errorf("project %s: %w", m.Type, err)
	}
	return nil
}

// keep is how many messages of the feed are kept for each user.
const keep = 1000

// record puts a message into its owner's feed.
func record(ctx context.Context, tx *sql.Tx, owner string, msg Message) error {
	_, err := tx.ExecContext(ctx,
		`INSERT INTO feed (at, user_id, type, project_id, deployment_id, data) VALUES (?, ?, ?, ?, ?, ?)`,
		msg.At.UnixNano(), owner, msg.Type, msg.ProjectID, msg.DeploymentID, string(msg.Data))
	if err != nil {
		return fmt.Errorf("record message: %w", err)
	}
	_, err = tx.ExecContext(ctx,
		`DELETE FROM feed WHERE user_id = ?1 AND at <= (SELECT at FROM feed WHERE user_id = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)`,
		owner, keep)
	if err != nil {
		return fmt.Errorf("prune feed: %w", err)
	}
	return nil
}

// since reads what was pushed to a user after a time (in nanoseconds since 1970), oldest
// first.
func since(ctx context.Context, db *sql.DB, user string, after int64) ([]Message, error) {
	rows, err := db.QueryContext(ctx,
		`SELECT at, type, project_id, deployment_id, data FROM feed WHERE user_id = ? AND at > ? ORDER BY at`,
		user, after)
	if err != nil {
		return nil, fmt.Errorf("read feed: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var missed []Message
	for rows.Next() {
		var m Message
		var at int64
		var data string
		if err := rows.Scan(&at, &m.Type, &m.ProjectID, &m.DeploymentID, &data); err != nil {
			return nil, fmt.Errorf("read feed: %w", err)
		}
		m.At, m.Data = time.Unix(0, at).UTC(), json.RawMessage(data)
		missed = append(missed, m)
	}
	return missed, rows.Err()
}
