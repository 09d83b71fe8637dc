package deployment

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
	"go.opentelemetry.io/otel/propagation"

	"axion/services/contract"
)

// state is what is stored of a deployment. PENDING leads to STARTED, and that to
// one of the other statuses, which end it.
type state struct {
	id, projectID, userID, name, slug, template string
	config                                      json.RawMessage
	graph                                       *contract.Architecture // nil for none
	status, step, source                        string
	cancelRequested, undo                       bool
	trace                                       string
}

func (d state) ended() bool {
	return d.status != contract.StatusPending && d.status != contract.StatusStarted
}

// withTrace continues the trace of the request for the deployment.
func (d state) withTrace(ctx context.Context) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": d.trace})
}

const columns = `id, project_id, user_id, name, slug, template, config, graph, status, step, source, cancelling, undo, trace`

func scan(row *sql.Row) (d state, err error) {
	var config, graph string
	err = row.Scan(&d.id, &d.projectID, &d.userID, &d.name, &d.slug, &d.template, &config, &graph, &d.status, &d.step, &d.source,
		&d.cancelRequested, &d.undo, &d.trace)
	if err == nil && graph != "" {
		err = json.Unmarshal([]byte(graph), &d.graph)
	}
	d.config = json.RawMessage(config)
	return d, err
}

// querier is the database, or a transaction on it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// find reads a user's deployment. Another user's is not found.
func find(ctx context.Context, q querier, user, id string) (state, error) {
	d, err := scan(q.QueryRowContext(ctx, `SELECT `+columns+` FROM deployments WHERE id = $1 AND user_id = $2 AND user_id <> ''`, id, user))
	if errors.Is(err, sql.ErrNoRows) {
		return d, errNotFound()
	}
	if err != nil {
		return d, fmt.Errorf("find deployment: %w", err)
	}
	return d, nil
}

func errNotFound() error { return huma.Error404NotFound("there is no such deployment") }
