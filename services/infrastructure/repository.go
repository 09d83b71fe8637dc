package infrastructure

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"axion/services/contract"
	"axion/services/store"
)

// repository stores what runs.
type repository struct{ db *sql.DB }

// runtime is what is stored of a project that runs.
type runtime struct {
	projectID, deploymentID, userID, slug string
	port                                  int
	run                                   contract.Run
}

const columns = `project_id, deployment_id, user_id, slug, port, run`

// scan reads a row of columns.
func scan(row interface{ Scan(...any) error }) (rt runtime, err error) {
	var run string
	err = row.Scan(&rt.projectID, &rt.deploymentID, &rt.userID, &rt.slug, &rt.port, &run)
	if err == nil && run != "" {
		err = json.Unmarshal([]byte(run), &rt.run)
	}
	return rt, err
}

// list lists runtimes by slug; those of one user unless user is empty.
func (r *repository) list(ctx context.Context, user string) ([]runtime, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT `+columns+` FROM runtimes WHERE $1 = '' OR user_id = $1 ORDER BY slug`, user)
	if err != nil {
		return nil, fmt.Errorf("list runtimes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []runtime
	for rows.Next() {
		rt, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list runtimes: %w", err)
		}
		all = append(all, rt)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list runtimes: %w", err)
	}
	return all, nil
}

// find returns the runtime of a project, and whether there is one.
func (r *repository) find(ctx context.Context, projectID string) (runtime, bool, error) {
	rt, err := scan(r.db.QueryRowContext(ctx, `SELECT `+columns+` FROM runtimes WHERE project_id = $1`, projectID))
	if errors.Is(err, sql.ErrNoRows) {
		return rt, false, nil
	}
	if err != nil {
		return rt, false, fmt.Errorf("find runtime: %w", err)
	}
	return rt, true, nil
}

// save stores a runtime. It fails with a slugTakenError where the slug is another project's.
func (r *repository) save(ctx context.Context, rt runtime) error {
	run := ""
	if rt.run.Runtime == contract.RuntimeProcess {
		text, err := json.Marshal(rt.run)
		if err != nil {
			return fmt.Errorf("save runtime: %w", err)
		}
		run = string(text)
	}
	_, err := r.db.ExecContext(ctx,
		`INSERT INTO runtimes (project_id, deployment_id, user_id, slug, port, run, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (project_id) DO UPDATE SET deployment_id = excluded.deployment_id, user_id = excluded.user_id, slug = excluded.slug,
			port = excluded.port, run = excluded.run, updated_at = excluded.updated_at`,
		rt.projectID, rt.deploymentID, rt.userID, rt.slug, rt.port, run, time.Now().UTC().Format(time.RFC3339Nano))
	if store.IsDuplicate(err) {
		return &slugTakenError{hostOf(rt.slug)}
	}
	if err != nil {
		return fmt.Errorf("save runtime: %w", err)
	}
	return nil
}

// delete deletes the runtime of a project.
func (r *repository) delete(ctx context.Context, projectID string) error {
	if _, err := r.db.ExecContext(ctx, `DELETE FROM runtimes WHERE project_id = $1`, projectID); err != nil {
		return fmt.Errorf("delete runtime: %w", err)
	}
	return nil
}

// checkSlugFree fails with a slugTakenError where a slug is another project's.
func (r *repository) checkSlugFree(ctx context.Context, slug, projectID string) error {
	var owner string
	err := r.db.QueryRowContext(ctx, `SELECT project_id FROM runtimes WHERE slug = $1 AND project_id <> $2`, slug, projectID).Scan(&owner)
	if err == nil {
		return &slugTakenError{hostOf(slug)}
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("find runtime: %w", err)
	}
	return nil
}

// slugTakenError refuses a slug that is another project's. It is worth more attempts: that
// project may be deleted, and about to be taken down.
type slugTakenError struct{ host string }

func (e *slugTakenError) Error() string { return "the name " + e.host + " is taken by another project" }

func (e *slugTakenError) Public() string { return e.Error() }
