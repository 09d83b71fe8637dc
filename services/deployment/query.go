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

// LogLine is one line of a deployment's log.
type LogLine struct {
	Sequence int64  `json:"sequence"`
	Step     string `json:"step" doc:"codegen or provision; empty for the deployment as a whole."`
	Level    string `json:"level" enum:"info,warn,error"`
	Time     string `json:"time" format:"date-time"`
	Message  string `json:"message"`
}

// querier is the database, or a transaction on it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// find gives a user's deployment. Another user's is not found.
func find(ctx context.Context, q querier, user, id string) (state, error) {
	d, err := scan(q.QueryRowContext(ctx, `SELECT `+columns+` FROM deployments WHERE id = ? AND user_id = ? AND user_id <> ''`, id, user))
	if errors.Is(err, sql.ErrNoRows) {
		return d, errNotFound()
	}
	if err != nil {
		return d, fmt.Errorf("find deployment: %w", err)
	}
	return d, nil
}

func errNotFound() error { return huma.Error404NotFound("there is no such deployment") }

const recordColumns = `queued, id, project_id, status, step, source, url, error, created_at, updated_at`

// listed is a record with its place in the list.
type listed struct {
	contract.DeploymentRecord
	queued int64
}

func scanRecord(row interface{ Scan(...any) error }) (l listed, err error) {
	err = row.Scan(&l.queued, &l.ID, &l.ProjectID, &l.Status, &l.Step, &l.RollbackTo, &l.URL, &l.Error, &l.CreatedAt, &l.UpdatedAt)
	return l, err
}

// record is a user's deployment as the user sees it.
func (s *service) record(ctx context.Context, user, id string) (contract.DeploymentRecord, error) {
	return s.recordWhere(ctx, "id = ?", id, user)
}

// made is the deployment that a user's message has made, whenever it came.
func (s *service) made(ctx context.Context, user string, m *bus.Message) (contract.DeploymentRecord, error) {
	return s.recordWhere(ctx, "id LIKE ?", "%"+m.DerivedIDSuffix(), user)
}

func (s *service) recordWhere(ctx context.Context, condition, id, user string) (contract.DeploymentRecord, error) {
	l, err := scanRecord(s.DB.QueryRowContext(ctx,
		`SELECT `+recordColumns+` FROM deployments WHERE `+condition+` AND user_id = ? AND user_id <> ''`, id, user))
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
func (s *service) records(ctx context.Context, user, projectID string, in host.PageInput) (list contract.DeploymentList, err error) {
	before, err := in.Cursor(1 << 62)
	if err != nil {
		return list, err
	}
	page, err := host.QueryPage(ctx, s.DB, in.Limit, func(row interface{ Scan(...any) error }) (listed, error) { return scanRecord(row) },
		func(l listed) string { return strconv.FormatInt(l.queued, 10) },
		`SELECT `+recordColumns+` FROM deployments WHERE user_id = ?1 AND user_id <> '' AND (?2 = '' OR project_id = ?2) AND queued < ?3
		ORDER BY queued DESC LIMIT ?4`, user, projectID, before)
	list = contract.DeploymentList{Items: []contract.DeploymentRecord{}, Next: page.Next}
	for _, l := range page.Items {
		list.Items = append(list.Items, l.DeploymentRecord)
	}
	return list, err
}

// lines lists the log of a user's deployment, oldest first; of one step unless
// step is empty.
func (s *service) lines(ctx context.Context, user, id, step string, in host.PageInput) (page host.Page[LogLine], err error) {
	after, err := in.Cursor(0)
	if err != nil {
		return page, err
	}
	if _, err := find(ctx, s.DB, user, id); err != nil {
		return page, err
	}
	return host.QueryPage(ctx, s.DB, in.Limit, func(row interface{ Scan(...any) error }) (l LogLine, err error) {
		err = row.Scan(&l.Sequence, &l.Step, &l.Level, &l.Time, &l.Message)
		return l, err
	}, func(l LogLine) string { return strconv.FormatInt(l.Sequence, 10) },
		`SELECT seq, step, level, time, message FROM logs WHERE deployment_id = ?1 AND seq > ?2 AND (?3 = '' OR step = ?3) ORDER BY seq LIMIT ?4`,
		id, after, step)
}
