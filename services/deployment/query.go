package deployment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/bus"
	"axion/services/contract"
	"axion/services/host"
)

// queries reads deployments as their owners see them.
type queries struct{ db *sql.DB }

// LogLine is one line of a deployment's log.
type LogLine struct {
	Sequence int64  `json:"sequence"`
	Step     string `json:"step" doc:"codegen or provision; empty for the deployment as a whole."`
	Level    string `json:"level" enum:"info,warn,error"`
	Time     string `json:"time" format:"date-time"`
	Message  string `json:"message"`
}

const recordColumns = `queued, id, project_id, status, step, source, url, error, created_at, updated_at`

// listed is a record with its position in the list.
type listed struct {
	contract.DeploymentRecord
	queued int64
}

// scanRecord reads a row of recordColumns.
func scanRecord(row interface{ Scan(...any) error }) (l listed, err error) {
	err = row.Scan(&l.queued, &l.ID, &l.ProjectID, &l.Status, &l.Step, &l.RollbackTo, &l.URL, &l.Error, &l.CreatedAt, &l.UpdatedAt)
	return l, err
}

// record returns a user's deployment.
func (q *queries) record(ctx context.Context, user, id string) (contract.DeploymentRecord, error) {
	return q.recordWhere(ctx, "id = $1", id, user)
}

// createdBy returns the deployment that a user's message has created, at whichever
// delivery.
func (q *queries) createdBy(ctx context.Context, user string, m *bus.Message) (contract.DeploymentRecord, error) {
	return q.recordWhere(ctx, "id LIKE $1", "%"+m.DerivedIDSuffix(), user)
}

// recordWhere returns the deployment of a user that matches a condition on its id, $1.
func (q *queries) recordWhere(ctx context.Context, condition, id, user string) (contract.DeploymentRecord, error) {
	l, err := scanRecord(q.db.QueryRowContext(ctx,
		`SELECT `+recordColumns+` FROM deployments WHERE `+condition+` AND user_id = $2 AND user_id <> ''`, id, user))
	if errors.Is(err, sql.ErrNoRows) {
		return l.DeploymentRecord, errNotFound()
	}
	if err != nil {
		return l.DeploymentRecord, fmt.Errorf("find deployment: %w", err)
	}
	return l.DeploymentRecord, nil
}

// records lists a user's deployments, newest first; those of one project unless
// projectID is empty.
func (q *queries) records(ctx context.Context, user, projectID string, in host.PageInput) (list contract.DeploymentList, err error) {
	before, err := in.Cursor(1 << 62)
	if err != nil {
		return list, err
	}
	page, err := host.QueryPage(ctx, q.db, in.Limit, func(row interface{ Scan(...any) error }) (listed, error) { return scanRecord(row) },
		func(l listed) string { return strconv.FormatInt(l.queued, 10) },
		`SELECT `+recordColumns+` FROM deployments WHERE user_id = $1 AND user_id <> '' AND ($2 = '' OR project_id = $2) AND queued < $3
		ORDER BY queued DESC LIMIT $4`, user, projectID, before)
	list = contract.DeploymentList{Items: []contract.DeploymentRecord{}, Next: page.Next}
	for _, l := range page.Items {
		list.Items = append(list.Items, l.DeploymentRecord)
	}
	return list, err
}

// lines lists the log of a user's deployment, oldest first; of one step unless
// step is empty.
func (q *queries) lines(ctx context.Context, user, id, step string, in host.PageInput) (page host.Page[LogLine], err error) {
	after, err := in.Cursor(0)
	if err != nil {
		return page, err
	}
	if _, err := find(ctx, q.db, user, id); err != nil {
		return page, err
	}
	return host.QueryPage(ctx, q.db, in.Limit, func(row interface{ Scan(...any) error }) (l LogLine, err error) {
		err = row.Scan(&l.Sequence, &l.Step, &l.Level, &l.Time, &l.Message)
		return l, err
	}, func(l LogLine) string { return strconv.FormatInt(l.Sequence, 10) },
		`SELECT seq, step, level, time, message FROM logs WHERE deployment_id = $1 AND seq > $2 AND ($3 = '' OR step = $3) ORDER BY seq LIMIT $4`,
		id, after, step)
}

// latest returns the id of the newest deployment of a user's project.
func (q *queries) latest(ctx context.Context, user, projectID string) (id string, err error) {
	err = q.db.QueryRowContext(ctx,
		`SELECT id FROM deployments WHERE project_id = $1 AND user_id = $2 AND user_id <> '' ORDER BY queued DESC LIMIT 1`,
		projectID, user).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", huma.Error404NotFound("there is no such project, or it was never deployed")
	}
	if err != nil {
		return "", fmt.Errorf("find deployment: %w", err)
	}
	return id, nil
}
