package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"axion/services/contract"
	"axion/services/store"
)

// claim takes the first of a project's deployments that has not ended, and starts it if
// it was waiting; where there is none, one that is to be undone. The id is "" where there
// is none either, or where another instance works on it.
func (s *service) claim(ctx context.Context, projectID, owner string) (id string, err error) {
	if due, err := s.due(ctx, projectID); err != nil || !due {
		return "", err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		var status, holder, trace string
		var lease int64
		// By name, STARTED comes after PENDING, and that after those that have ended.
		err := tx.QueryRowContext(ctx,
			`SELECT id, status, owner, lease, trace FROM deployments WHERE project_id = ? AND (status IN ('PENDING', 'STARTED') OR undo)
			ORDER BY status DESC, queued LIMIT 1`, projectID).Scan(&id, &status, &holder, &lease, &trace)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for deployment: %w", err)
		}
		busy := status != contract.StatusPending && !s.free(holder, owner, lease)
		if !busy && s.Shared {
			at := time.Now()
			err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deployments
				WHERE project_id = ? AND undo AND owner <> ? AND lease >= ? AND lease <= ?)`,
				projectID, owner, at.UnixMilli(), farthest(at)).Scan(&busy)
			if err != nil {
				return fmt.Errorf("look for deployment: %w", err)
			}
		}
		if busy {
			id = ""
			return nil
		}
		if status != contract.StatusPending && status != contract.StatusStarted {
			_, err = tx.ExecContext(ctx, `UPDATE deployments SET owner = ?, lease = ? WHERE id = ?`, owner, time.Now().Add(leaseTime).UnixMilli(), id)
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE deployments SET status = ?, owner = ?, lease = ?, updated_at = ? WHERE id = ?`,
			contract.StatusStarted, owner, time.Now().Add(leaseTime).UnixMilli(), now(), id)
		if err != nil {
			return fmt.Errorf("take deployment: %w", err)
		}
		if status == contract.StatusStarted {
			return note(ctx, tx, id, line{message: "goes on after an interruption"})
		}
		return errors.Join(
			note(ctx, tx, id, line{message: "started"}),
			s.tell(state{trace: trace}.traced(ctx), tx, contract.DeploymentStarted, contract.DeploymentEvent{ProjectID: projectID, DeploymentID: id}))
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// due reports whether a project has a deployment that has not ended, or is to be undone.
// Nobody waits for that: each deployment is followed by a look for the next, and nearly all in vain.
func (s *service) due(ctx context.Context, projectID string) (due bool, err error) {
	err = s.DB.QueryRowContext(ctx,
		`SELECT EXISTS (SELECT 1 FROM deployments WHERE project_id = ? AND (status IN ('PENDING', 'STARTED') OR undo))`, projectID).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("look for deployment: %w", err)
	}
	return due, nil
}

// free reports whether a deployment may be taken from its holder. Alone on its
// database, an instance knows that all others are gone.
func (s *service) free(holder, owner string, lease int64) bool {
	at := time.Now()
	return holder == owner || !s.Shared || lease < at.UnixMilli() || lease > farthest(at)
}

// farthest is the last moment that a lease may end at: one that is later was given
// before the clock was set back, and whoever lives renews it.
func farthest(at time.Time) int64 { return at.Add(2 * leaseTime).UnixMilli() }

// sweep renews what owner holds. It finds the projects that have something due
// that nobody works on, and the deployments in owner's hands that are to be
// cancelled.
func (s *service) sweep(ctx context.Context, owner string) (projects, cancelled []string, err error) {
	err = store.Tx(ctx, s.DB, func(tx *sql.Tx) error {
		at := time.Now()
		_, err := tx.ExecContext(ctx, `UPDATE deployments SET lease = ? WHERE (status = 'STARTED' OR undo) AND owner = ?`, at.Add(leaseTime).UnixMilli(), owner)
		if err != nil {
			return err
		}
		expired := at.UnixMilli()
		if !s.Shared {
			expired = farthest(at)
		}
		projects, err = texts(ctx, tx, `SELECT project_id FROM deployments AS d
			WHERE (status IN ('PENDING', 'STARTED') OR undo) AND owner <> ?1 AND (lease < ?2 OR lease > ?3) AND NOT EXISTS (
				SELECT 1 FROM deployments AS other
				WHERE other.project_id = d.project_id AND other.status = 'STARTED' AND other.lease >= ?2 AND other.lease <= ?3)
			GROUP BY project_id`, owner, expired, farthest(at))
		if err != nil {
			return err
		}
		cancelled, err = texts(ctx, tx, `SELECT id FROM deployments WHERE status = 'STARTED' AND owner = ? AND cancelling`, owner)
		return err
	})
	return projects, cancelled, err
}

// release lets other instances go on with what this one has not finished.
func (s *service) release(ctx context.Context, owner string) error {
	_, err := s.DB.ExecContext(context.WithoutCancel(ctx), `UPDATE deployments SET lease = 0 WHERE (status = 'STARTED' OR undo) AND owner = ?`, owner)
	if err != nil {
		return fmt.Errorf("release deployments: %w", err)
	}
	return nil
}

// texts runs a query for one column.
func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []string, err error) {
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
