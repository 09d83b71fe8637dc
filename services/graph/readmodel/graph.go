package readmodel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"axion/services/contract"
)

// Version is one version of a project's graph.
type Version struct {
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"createdAt"`
}

func scanVersion(row interface{ Scan(...any) error }) (v Version, err error) {
	var created string
	if err = row.Scan(&v.Version, &created); err != nil {
		return v, err
	}
	v.CreatedAt, err = time.Parse(time.RFC3339Nano, created)
	return v, err
}

// LatestGraph returns the newest version of a graph: an empty one, with version 0,
// where there is none.
func LatestGraph(ctx context.Context, q Querier, id string) (g contract.Architecture, version int, err error) {
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

// GraphVersion returns one version of a graph.
func GraphVersion(ctx context.Context, q Querier, id string, version int) (g contract.Architecture, err error) {
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
