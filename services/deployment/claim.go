package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

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
		busy := status != contract.StatusPending && !s.free(id, holder, owner, lease)
		if !busy && s.Shared {
			held, err := s.held(ctx, tx, `project_id = ? AND undo AND owner <> ?`, projectID, owner)
			if err != nil {
				return err
			}
			busy = slices.ContainsFunc(held, func(h holding) bool { return h.alive })
		}
		if busy {
			id = ""
			return nil
		}
		if status != contract.StatusPending && status != contract.StatusStarted {
			_, err = tx.ExecContext(ctx, `UPDATE deployments SET owner = ?, lease = ? WHERE id = ?`, owner, s.lease(), id)
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE deployments SET status = ?, owner = ?, lease = ?, updated_at = ? WHERE id = ?`,
			contract.StatusStarted, owner, s.lease(), now(), id)
		if err != nil {
			return fmt.Errorf("take deployment: %w", err)
		}
		if status == contract.StatusStarted {
			return note(ctx, tx, id, line{message: "goes on after an interruption"})
		}
		return errors.Join(
			note(ctx, tx, id, line{message: "started"}),
			s.tell(state{trace: trace}.traced(ctx), tx, contract.DeploymentStarted,
				contract.DeploymentEvent{ProjectID: projectID, DeploymentID: id}))
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
func (s *service) free(id, holder, owner string, lease int64) bool {
	return holder == owner || !s.Shared || s.holders.gone(id, holder, lease)
}

// lease is what an instance that is alive gives a deployment that it works on. It is a
// time for instances of version 0.1, which compare it with their clock; to others it
// only has to change.
func (s *service) lease() int64 { return s.clock().Add(leaseTime).UnixMilli() }

// holding is a deployment that has a holder, and whether that is alive.
type holding struct {
	id, project string
	alive       bool
}

// held looks at who holds the deployments that a condition names.
func (s *service) held(ctx context.Context, tx *sql.Tx, condition string, args ...any) (held []holding, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, project_id, owner, lease FROM deployments WHERE `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("look for deployment: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one holding
		var holder string
		var lease int64
		if err := rows.Scan(&one.id, &one.project, &holder, &lease); err != nil {
			return nil, fmt.Errorf("look for deployment: %w", err)
		}
		one.alive = !s.holders.gone(one.id, holder, lease)
		held = append(held, one)
	}
	return held, rows.Err()
}

// sweep renews what owner holds. It finds the projects that have something due
// that nobody works on, and the deployments in owner's hands that are to be
// cancelled.
func (s *service) sweep(ctx context.Context, owner string) (projects, cancelled []string, err error) {
	err = store.Tx(ctx, s.DB, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE deployments SET lease = ? WHERE (status = 'STARTED' OR undo) AND owner = ?`, s.lease(), owner)
		if err != nil {
			return err
		}
		busy := map[string]bool{} // projects that others work on
		if s.Shared {
			if busy, err = s.watch(ctx, tx, owner); err != nil {
				return err
			}
		}
		projects, err = texts(ctx, tx, `SELECT DISTINCT project_id FROM deployments
			WHERE (status IN ('PENDING', 'STARTED') OR undo) AND owner <> ?`, owner)
		if err != nil {
			return err
		}
		projects = slices.DeleteFunc(projects, func(id string) bool { return busy[id] })
		cancelled, err = texts(ctx, tx, `SELECT id FROM deployments WHERE status = 'STARTED' AND owner = ? AND cancelling`, owner)
		return err
	})
	return projects, cancelled, err
}

// watch looks after those who work on deployments elsewhere, and gives the projects of
// those that do.
func (s *service) watch(ctx context.Context, tx *sql.Tx, owner string) (busy map[string]bool, err error) {
	held, err := s.held(ctx, tx, `(status = 'STARTED' OR undo) AND owner <> '' AND owner <> ?`, owner)
	if err != nil {
		return nil, err
	}
	busy = map[string]bool{}
	ids := map[string]bool{}
	for _, h := range held {
		ids[h.id] = true
		busy[h.project] = busy[h.project] || h.alive
	}
	s.holders.keep(ids)
	return busy, nil
}

// release lets other instances go on with what this one has not finished.
func (s *service) release(ctx context.Context, owner string) error {
	_, err := s.DB.ExecContext(context.WithoutCancel(ctx), `UPDATE deployments SET lease = 0 WHERE (status = 'STARTED' OR undo) AND owner = ?`,
		owner)
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
