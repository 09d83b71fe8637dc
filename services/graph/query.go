package graph

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
	"axion/services/host"
)

// Deployment is what the API answers with.
type Deployment struct {
	ID        string    `json:"id" format:"uuid"`
	ProjectID string    `json:"projectId" format:"uuid"`
	Status    string    `json:"status" enum:"PENDING,STARTED,SUCCEEDED,FAILED,CANCELLED"`
	URL       string    `json:"url" doc:"Where the site answers; empty until it does."`
	Error     string    `json:"error" doc:"Why it failed; empty unless it did."`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Event is one event of a project's history. Sequence counts from 1.
type Event struct {
	Sequence  int64           `json:"sequence"`
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	ProjectID string          `json:"projectId" format:"uuid"`
	Time      time.Time       `json:"time" doc:"When it happened, by the clock of the service that told of it."`
	Data      json.RawMessage `json:"data"`
}

// Version is one version of a project's graph.
type Version struct {
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"createdAt"`
}

// queries answer questions. They have nothing but the read model.
type queries struct{ db *sql.DB }

func (q queries) project(ctx context.Context, user, id string) (Project, error) {
	return find(ctx, q.db, user, id)
}

// projects lists a user's projects, newest first.
func (q queries) projects(ctx context.Context, user, after string, limit int) (host.Page[Project], error) {
	return host.QueryPage(ctx, q.db, limit, scan, func(p Project) string { return p.ID },
		`SELECT `+columns+` FROM projects WHERE user_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, user, after)
}

// deployments lists a project's deployments, newest first.
func (q queries) deployments(ctx context.Context, user, id string, in host.PageInput) (page host.Page[Deployment], err error) {
	if _, err := find(ctx, q.db, user, id); err != nil {
		return page, err
	}
	return host.QueryPage(ctx, q.db, in.Limit, scanDeployment, func(d Deployment) string { return d.ID },
		`SELECT id, project_id, status, url, error, created_at, updated_at FROM deployments
		WHERE project_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, id, in.After)
}

// events lists a project's events, oldest first. They outlive the project.
func (q queries) events(ctx context.Context, user, id string, in host.PageInput) (page host.Page[Event], err error) {
	after, err := in.Cursor(0)
	if err != nil {
		return page, err
	}
	var known int
	err = q.db.QueryRowContext(ctx, `SELECT count(*) FROM events WHERE project_id = $1 AND seq = 1 AND user_id = $2`, id, user).Scan(&known)
	if err != nil {
		return page, fmt.Errorf("look for history: %w", err)
	}
	if known == 0 {
		return page, errNoProject()
	}
	return host.QueryPage(ctx, q.db, in.Limit, scanEvent, func(e Event) string { return strconv.FormatInt(e.Sequence, 10) },
		`SELECT seq, id, type, project_id, time, data FROM events WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, id, after)
}

// graph gives a project's graph and its version: 0, and an empty graph, where it
// has none.
func (q queries) graph(ctx context.Context, user, id string) (g contract.Architecture, version int, err error) {
	if _, err := find(ctx, q.db, user, id); err != nil {
		return g, 0, err
	}
	return latestGraph(ctx, q.db, id)
}

// version gives one version of a project's graph.
func (q queries) version(ctx context.Context, user, id string, version int) (g contract.Architecture, err error) {
	if _, err := find(ctx, q.db, user, id); err != nil {
		return g, err
	}
	g, err = graphOf(ctx, q.db, id, version)
	if errors.Is(err, sql.ErrNoRows) {
		return g, huma.Error404NotFound(fmt.Sprintf("the project's graph has no version %d", version))
	}
	return g, err
}

// versions lists the versions of a project's graph, newest first.
func (q queries) versions(ctx context.Context, user, id string, in host.PageInput) (page host.Page[Version], err error) {
	before, err := in.Cursor(1 << 62)
	if err != nil {
		return page, err
	}
	if _, err := find(ctx, q.db, user, id); err != nil {
		return page, err
	}
	return host.QueryPage(ctx, q.db, in.Limit, scanVersion, func(v Version) string { return strconv.Itoa(v.Version) },
		`SELECT version, created_at FROM graphs WHERE project_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3`, id, before)
}

// latestGraph is the newest version of a graph: an empty one, with version 0,
// where there is none.
func latestGraph(ctx context.Context, q querier, id string) (g contract.Architecture, version int, err error) {
	var content string
	err = q.QueryRowContext(ctx, `SELECT version, content FROM graphs WHERE project_id = $1 ORDER BY version DESC LIMIT 1`, id).
		Scan(&version, &content)
	if errors.Is(err, sql.ErrNoRows) {
		return contract.Architecture{Nodes: []contract.Node{}, Edges: []contract.Edge{}}, 0, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(content), &g)
	}
	if err != nil {
		return g, 0, fmt.Errorf("load graph: %w", err)
	}
	return g, version, nil
}

func graphOf(ctx context.Context, q querier, id string, version int) (g contract.Architecture, err error) {
	var content string
	err = q.QueryRowContext(ctx, `SELECT content FROM graphs WHERE project_id = $1 AND version = $2`, id, version).Scan(&content)
	if err == nil {
		err = json.Unmarshal([]byte(content), &g)
	}
	if err != nil {
		return g, fmt.Errorf("load version %d of the graph: %w", version, err)
	}
	return g, nil
}

func scanDeployment(row interface{ Scan(...any) error }) (d Deployment, err error) {
	var created, updated string
	if err = row.Scan(&d.ID, &d.ProjectID, &d.Status, &d.URL, &d.Error, &created, &updated); err != nil {
		return d, err
	}
	if d.CreatedAt, err = time.Parse(time.RFC3339Nano, created); err != nil {
		return d, err
	}
	d.UpdatedAt, err = time.Parse(time.RFC3339Nano, updated)
	return d, err
}

func scanEvent(row interface{ Scan(...any) error }) (e Event, err error) {
	var at, data string
	if err = row.Scan(&e.Sequence, &e.ID, &e.Type, &e.ProjectID, &at, &data); err != nil {
		return e, err
	}
	e.Data = json.RawMessage(data)
	e.Time, err = time.Parse(time.RFC3339Nano, at)
	return e, err
}

func scanVersion(row interface{ Scan(...any) error }) (v Version, err error) {
	var created string
	if err = row.Scan(&v.Version, &created); err != nil {
		return v, err
	}
	v.CreatedAt, err = time.Parse(time.RFC3339Nano, created)
	return v, err
}
