package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"axion/services/contract"
	"axion/services/store"
)

// leases says which instance works on which deployment. An instance owns what it works
// on by a lease in the deployment's row, which it renews: see [leases.sweep].
type leases struct {
	repo    *repository
	db      *sql.DB
	owner   string // this instance
	shared  bool   // other instances may use the same database
	clock   func() time.Time
	holders holders
}

// claim acquires the first of a project's deployments that has not ended, and starts it if
// it was PENDING; where there is none, one that is to be undone. The id is "" where there
// is none either, or where another instance works on it.
func (l *leases) claim(ctx context.Context, projectID string) (id string, err error) {
	if due, err := l.due(ctx, projectID); err != nil || !due {
		return "", err
	}
	err = l.repo.inTx(ctx, func(tx *sql.Tx) error {
		first, err := l.first(ctx, tx, projectID)
		if err != nil || first.id == "" {
			return err
		}
		id = first.id
		if first.status == contract.StatusPending || first.status == contract.StatusStarted {
			return l.start(ctx, tx, projectID, first)
		}
		_, err = tx.ExecContext(ctx, `UPDATE deployments SET owner = $1, lease = $2 WHERE id = $3`, l.owner, l.lease(), id)
		return err
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// candidate is a deployment that may be claimed.
type candidate struct{ id, status, trace string }

// first returns the deployment of a project to claim. Its id is "" where there is none,
// and where another instance that is alive works on the project.
func (l *leases) first(ctx context.Context, tx *sql.Tx, projectID string) (c candidate, err error) {
	var holder string
	var lease int64
	// By name, STARTED comes after PENDING, and that after those that have ended.
	err = tx.QueryRowContext(ctx,
		`SELECT id, status, owner, lease, trace FROM deployments WHERE project_id = $1 AND (status IN ('PENDING', 'STARTED') OR undo)
		ORDER BY status DESC, queued LIMIT 1`, projectID).Scan(&c.id, &c.status, &holder, &lease, &c.trace)
	if errors.Is(err, sql.ErrNoRows) {
		return candidate{}, nil
	}
	if err != nil {
		return candidate{}, fmt.Errorf("look for deployment: %w", err)
	}
	if c.status != contract.StatusPending && !l.claimable(c.id, holder, lease) {
		return candidate{}, nil
	}
	if l.shared {
		held, err := l.held(ctx, tx, `project_id = $1 AND undo AND owner <> $2`, projectID, l.owner)
		if err != nil || slices.ContainsFunc(held, func(h holding) bool { return h.alive }) {
			return candidate{}, err
		}
	}
	return c, nil
}

// start makes a deployment STARTED that was PENDING, and acquires one that was STARTED.
func (l *leases) start(ctx context.Context, tx *sql.Tx, projectID string, c candidate) error {
	_, err := tx.ExecContext(ctx, `UPDATE deployments SET status = $1, owner = $2, lease = $3, updated_at = $4 WHERE id = $5`,
		contract.StatusStarted, l.owner, l.lease(), now(), c.id)
	if err != nil {
		return fmt.Errorf("claim deployment: %w", err)
	}
	if c.status == contract.StatusStarted {
		return appendLog(ctx, tx, c.id, line{message: "goes on after an interruption"})
	}
	return errors.Join(
		appendLog(ctx, tx, c.id, line{message: "started"}),
		l.repo.enqueueEvent(state{trace: c.trace}.withTrace(ctx), tx, contract.DeploymentStarted,
			contract.DeploymentEvent{ProjectID: projectID, DeploymentID: c.id}))
}

// due reports whether a project has a deployment that has not ended, or is to be undone.
// It spares a transaction: each deployment is followed by a query for the next one, and
// nearly all find none.
func (l *leases) due(ctx context.Context, projectID string) (due bool, err error) {
	err = l.db.QueryRowContext(ctx,
		`SELECT EXISTS (SELECT 1 FROM deployments WHERE project_id = $1 AND (status IN ('PENDING', 'STARTED') OR undo))`, projectID).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("look for deployment: %w", err)
	}
	return due, nil
}

// claimable reports whether a deployment may be claimed from its holder. Alone on its
// database, an instance knows that all others are gone.
func (l *leases) claimable(id, holder string, lease int64) bool {
	return holder == l.owner || !l.shared || l.holders.gone(id, holder, lease)
}

// lease returns the lease that an instance that is alive writes to a deployment that it
// works on. It is a time for instances of version 0.1, which compare it with their clock;
// for others it only has to change.
func (l *leases) lease() int64 { return l.clock().Add(leaseTimeout).UnixMilli() }

// holding is a deployment that has a holder, and whether that is alive.
type holding struct {
	id, project string
	alive       bool
}

// held lists the deployments that match a condition, with their holders' state.
func (l *leases) held(ctx context.Context, tx *sql.Tx, condition string, args ...any) (held []holding, err error) {
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
		one.alive = !l.holders.gone(one.id, holder, lease)
		held = append(held, one)
	}
	return held, rows.Err()
}

// sweep renews this instance's leases. It returns the projects that have something due
// that no instance works on, and the deployments of this instance that are to be
// cancelled.
func (l *leases) sweep(ctx context.Context) (projects, cancelled []string, err error) {
	err = store.Tx(ctx, l.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE deployments SET lease = $1 WHERE (status = 'STARTED' OR undo) AND owner = $2`, l.lease(), l.owner)
		if err != nil {
			return err
		}
		busy := map[string]bool{} // projects of other instances
		if l.shared {
			if busy, err = l.busyProjects(ctx, tx); err != nil {
				return err
			}
		}
		projects, err = queryStrings(ctx, tx, `SELECT DISTINCT project_id FROM deployments
			WHERE (status IN ('PENDING', 'STARTED') OR undo) AND owner <> $1`, l.owner)
		if err != nil {
			return err
		}
		projects = slices.DeleteFunc(projects, func(id string) bool { return busy[id] })
		cancelled, err = queryStrings(ctx, tx, `SELECT id FROM deployments WHERE status = 'STARTED' AND owner = $1 AND cancelling`, l.owner)
		return err
	})
	return projects, cancelled, err
}

// busyProjects returns the projects that other instances work on which are alive.
func (l *leases) busyProjects(ctx context.Context, tx *sql.Tx) (busy map[string]bool, err error) {
	held, err := l.held(ctx, tx, `(status = 'STARTED' OR undo) AND owner <> '' AND owner <> $1`, l.owner)
	if err != nil {
		return nil, err
	}
	busy = map[string]bool{}
	ids := map[string]bool{}
	for _, h := range held {
		ids[h.id] = true
		busy[h.project] = busy[h.project] || h.alive
	}
	l.holders.retain(ids)
	return busy, nil
}

// release lets other instances go on with what this one has not finished.
func (l *leases) release(ctx context.Context) error {
	_, err := l.db.ExecContext(context.WithoutCancel(ctx), `UPDATE deployments SET lease = 0 WHERE (status = 'STARTED' OR undo) AND owner = $1`,
		l.owner)
	if err != nil {
		return fmt.Errorf("release deployments: %w", err)
	}
	return nil
}
