package readmodel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
	"axion/services/host"
)

// Queries answer questions. They have nothing but the read model.
type Queries struct{ DB *sql.DB }

// Project returns one of a user's projects.
func (q Queries) Project(ctx context.Context, user, id string) (Project, error) {
	return find(ctx, q.DB, user, id)
}

// Projects lists a user's projects, newest first.
func (q Queries) Projects(ctx context.Context, user, after string, limit int) (host.Page[Project], error) {
	return host.QueryPage(ctx, q.DB, limit, scan, func(p Project) string { return p.ID },
		`SELECT `+columns+` FROM projects WHERE user_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, user, after)
}

// Deployments lists a project's deployments, newest first.
func (q Queries) Deployments(ctx context.Context, user, id string, in host.PageInput) (page host.Page[Deployment], err error) {
	if _, err := find(ctx, q.DB, user, id); err != nil {
		return page, err
	}
	return host.QueryPage(ctx, q.DB, in.Limit, scanDeployment, func(d Deployment) string { return d.ID },
		`SELECT id, project_id, status, url, error, created_at, updated_at FROM deployments
		WHERE project_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, id, in.After)
}

// Events lists a project's events, oldest first. They outlive the project.
func (q Queries) Events(ctx context.Context, user, id string, in host.PageInput) (page host.Page[Event], err error) {
	after, err := in.Cursor(0)
	if err != nil {
		return page, err
	}
	var known int
	err = q.DB.QueryRowContext(ctx, `SELECT count(*) FROM events WHERE project_id = $1 AND seq = 1 AND user_id = $2`, id, user).Scan(&known)
	if err != nil {
		return page, fmt.Errorf("find history: %w", err)
	}
	if known == 0 {
		return page, errNoProject()
	}
	return host.QueryPage(ctx, q.DB, in.Limit, scanEvent, func(e Event) string { return strconv.FormatInt(e.Sequence, 10) },
		`SELECT seq, id, type, project_id, time, data FROM events WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, id, after)
}

// Graph gives a project's graph and its version: 0, and an empty graph, where it
// has none.
func (q Queries) Graph(ctx context.Context, user, id string) (g contract.Architecture, version int, err error) {
	if _, err := find(ctx, q.DB, user, id); err != nil {
		return g, 0, err
	}
	return LatestGraph(ctx, q.DB, id)
}

// Version gives one version of a project's graph.
func (q Queries) Version(ctx context.Context, user, id string, version int) (g contract.Architecture, err error) {
	if _, err := find(ctx, q.DB, user, id); err != nil {
		return g, err
	}
	g, err = GraphVersion(ctx, q.DB, id, version)
	if errors.Is(err, sql.ErrNoRows) {
		return g, huma.Error404NotFound(fmt.Sprintf("the project's graph has no version %d", version))
	}
	return g, err
}

// Versions lists the versions of a project's graph, newest first.
func (q Queries) Versions(ctx context.Context, user, id string, in host.PageInput) (page host.Page[Version], err error) {
	before, err := in.Cursor(1 << 62)
	if err != nil {
		return page, err
	}
	if _, err := find(ctx, q.DB, user, id); err != nil {
		return page, err
	}
	return host.QueryPage(ctx, q.DB, in.Limit, scanVersion, func(v Version) string { return strconv.Itoa(v.Version) },
		`SELECT version, created_at FROM graphs WHERE project_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3`, id, before)
}
