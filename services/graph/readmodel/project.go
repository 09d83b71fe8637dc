package readmodel

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"axion/services/contract"
)

// Project is what the API answers with.
type Project struct {
	ID        string    `json:"id" format:"uuid"`
	UserID    string    `json:"userId"`
	Name      string    `json:"name"`
	Slug      string    `json:"slug" doc:"Its name below apps.localhost; never changes."`
	Template  string    `json:"template"`
	Config    Config    `json:"config"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Event is the data of an event about the project.
func (p Project) Event(deploymentID string) contract.ProjectEvent {
	return contract.ProjectEvent{
		ProjectID: p.ID, UserID: p.UserID, Config: json.RawMessage(p.Config.text()),
		Name: p.Name, Slug: p.Slug, Template: p.Template, DeploymentID: deploymentID,
	}
}

// Contract is the project in the form that other services get.
func (p Project) Contract() contract.Project {
	return contract.Project{
		ID: p.ID, UserID: p.UserID, Name: p.Name, Slug: p.Slug, Template: p.Template,
		Config: json.RawMessage(p.Config.text()), CreatedAt: formatTime(p.CreatedAt), UpdatedAt: formatTime(p.UpdatedAt),
	}
}

const columns = `id, user_id, name, slug, template, config, created_at, updated_at`

// errNoProject is the same for another user's project as for one that never was.
func errNoProject() error { return huma.Error404NotFound("there is no such project of yours") }

// Querier is what a database and a transaction have in common.
type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// find loads one of a user's projects.
func find(ctx context.Context, q Querier, user, id string) (Project, error) {
	p, err := scan(q.QueryRowContext(ctx, `SELECT `+columns+` FROM projects WHERE id = $1 AND user_id = $2`, id, user))
	return p, loadError(err)
}

// FindCreated loads the project of a user whose id has an ending: that which a message has
// given it at its first delivery.
func FindCreated(ctx context.Context, tx *sql.Tx, user, suffix string) (Project, error) {
	p, err := scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM projects WHERE user_id = $1 AND id LIKE $2`, user, "%"+suffix))
	return p, loadError(err)
}

// LockProject loads one of a user's projects, and holds it until the transaction ends.
func LockProject(ctx context.Context, tx *sql.Tx, user, id string) (p Project, err error) {
	err = retryNoRows(func() error {
		p, err = scan(tx.QueryRowContext(ctx,
			`UPDATE projects SET version = version WHERE id = $1 AND user_id = $2 RETURNING `+columns, id, user))
		return err
	})
	return p, loadError(err)
}

func loadError(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errNoProject()
	}
	if err != nil {
		return fmt.Errorf("load project: %w", err)
	}
	return nil
}

func scan(row interface{ Scan(...any) error }) (p Project, err error) {
	var config, created, updated string
	if err = row.Scan(&p.ID, &p.UserID, &p.Name, &p.Slug, &p.Template, &config, &created, &updated); err != nil {
		return p, err
	}
	p.Config = Config(config)
	if p.CreatedAt, err = time.Parse(time.RFC3339Nano, created); err != nil {
		return p, err
	}
	p.UpdatedAt, err = time.Parse(time.RFC3339Nano, updated)
	return p, err
}

// formatTime gives the form of times in the database and in events.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
